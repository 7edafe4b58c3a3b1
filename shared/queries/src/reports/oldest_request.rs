//! How far back the log reaches.

use chrono::{DateTime, Utc};
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::{Fact, RowSelector};

use crate::Source;

/// The start of the caller's oldest request in a window; `None` if there is none.
///
/// # Errors
/// Whatever the database reports.
pub async fn oldest_request(
    conn: &mut Connection,
    source: Source<'_>,
    window: &TimeWindow,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let mut sql = source.requests(&[Fact::StartedAt], RowSelector::Started(window));
    sql.push(" SELECT f.started_at AT TIME ZONE 'UTC' FROM requests AS f ORDER BY f.started_at LIMIT 1");
    sql.build_query_scalar().fetch_optional(conn).await
}
