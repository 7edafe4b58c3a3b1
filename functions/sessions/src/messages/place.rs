//! Where a page of messages begins.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use traceability_index::names;
use traceability_queries::content::ContentRow;
use traceability_queries::position::RequestPosition;

/// Where a page begins, as its cursor says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PageStart {
    /// After another page.
    After(Place),
    /// It ends before another page.
    Before(Before),
}

/// The first request of the page that follows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Before {
    pub before: RequestPosition,
    /// Its number in the session, from 1.
    pub sequence: u64,
}

/// Where a page ended, and which earlier requests the next one needs to tell what is new.
#[derive(Debug, Serialize, Deserialize)]
pub struct Place {
    #[serde(flatten)]
    pub last: RequestPosition,
    pub sequence: u64,
    pub tips: Vec<Mark>,
}

/// A request, in few bytes: its start in milliseconds, and part of its id's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub i64, u32);

impl Mark {
    /// The same from the log and over the index, which shortens long ids.
    pub fn of(RequestPosition { started_at, request_id }: &RequestPosition) -> Self {
        let hash = Sha256::digest(names::stored(request_id).as_bytes());
        Self(started_at.timestamp_millis(), u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
    }

    pub fn new(row: &ContentRow) -> Self {
        Self::of(&row.position())
    }

    /// The conversation tells requests apart by number.
    pub fn position(self) -> u64 {
        #[expect(clippy::cast_sign_loss, reason = "the number is an identity, its order means nothing")]
        let start = self.0 as u64;
        start.rotate_left(20) ^ u64::from(self.1)
    }
}
