//! Whether the log can be read, and how fresh it is.

use chrono::{DateTime, Utc};
use traceability_db::Connection;
use traceability_facts::{Fact, RowSelector};
use traceability_litellm::bounds;

use super::Source;

/// The start of the newest request, by the time index, but for those out of bounds; `None` for an empty log.
///
/// # Errors
/// Whatever the database reports.
pub async fn newest_request(conn: &mut Connection, source: Source<'_>) -> sqlx::Result<Option<DateTime<Utc>>> {
    let mut sql = source.requests(&[Fact::StartedAt], RowSelector::Started(&bounds::ALL));
    sql.push(" SELECT f.started_at AT TIME ZONE 'UTC' FROM requests AS f ORDER BY f.started_at DESC LIMIT 1");
    sql.build_query_scalar().fetch_optional(conn).await
}
