//! A place in a list of requests.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

/// Where a list of requests goes on: after the request with this start and id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, FromRow)]
pub struct RequestPosition {
    /// The request's start.
    #[serde(deserialize_with = "super::filter::instant")]
    pub started_at: DateTime<Utc>,
    /// The request's id.
    #[serde(deserialize_with = "super::filter::id")]
    pub request_id: String,
}
