//! What the requests of a session added to it, as far as the caller may read it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use traceability_content::{Conversation, Turn, normalise};
use traceability_db::DbError;
use traceability_http::ContentReader;
use traceability_queries::content;
use traceability_queries::sessions::StepRow;
use traceability_queries::source::SourceConnection;

/// How many requests' content is looked at.
const MOST_REQUESTS: u32 = 2_000;
/// How much content is looked at, in bytes: each request repeats its history.
const MOST_BYTES: usize = 64_000_000;

/// What the requests of a session added to it.
pub struct ContentTurns {
    /// One for each step; `None` where nothing is known.
    pub turns: Vec<Option<Turn>>,
    /// Whether the caller may read some of it.
    pub may_read: bool,
}

impl ContentTurns {
    /// Reads them until then, which is noted for the audit.
    ///
    /// # Errors
    /// [`DbError`] when a database does not answer.
    pub async fn read(
        db: &mut SourceConnection,
        reader: &ContentReader,
        session_id: &str,
        rows: &[StepRow],
        until: Instant,
    ) -> Result<Self, DbError> {
        reader.begin_session(session_id);
        let steps: HashMap<_, _> =
            rows.iter().enumerate().map(|(step, row)| ((row.started_at, row.request_id.as_str()), step)).collect();
        let mut turns: Vec<Option<Turn>> = rows.iter().map(|_| None).collect();
        let (mut conversation, mut bytes, mut may_read) = (Conversation::new(), 0, false);
        content::read_session(db, reader.scope(), session_id, None, MOST_REQUESTS, |mut row| {
            if bytes >= MOST_BYTES || Instant::now() >= until {
                return ControlFlow::Break(());
            }
            bytes += row.weight();
            // One that was logged meanwhile is in the next answer.
            let Some(step) = steps.get(&(row.started_at, row.request_id.as_str())).copied() else {
                return ControlFlow::Continue(());
            };
            let disclosure = reader.disclosure(&row);
            if reader.may_read(&row) {
                may_read = true;
                let content = normalise(row.take_stored());
                // Another row of an exchange that was added says nothing of its own.
                let content_turn = if conversation.repeats(&content) {
                    content.nothing_added().turn(&[], disclosure)
                } else {
                    let added = conversation.follow(step as u64, &content);
                    content.turn(&added.new, disclosure)
                };
                turns[step] = content_turn;
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(Self { turns, may_read })
    }
}
