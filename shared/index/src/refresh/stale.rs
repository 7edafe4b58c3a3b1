//! Which roll-ups a late or altered request puts out of date.

use sqlx::{AssertSqlSafe, PgConnection};
use traceability_core::time::TimeWindow;

use crate::{Slot, dimensions};

/// SQL of the slot that a timestamp belongs to.
pub(super) fn slot_of(timestamp: &str) -> String {
    format!("floor(EXTRACT(EPOCH FROM {timestamp}) / 900)::integer")
}

/// Whether a part of the window is rolled up.
pub(super) async fn is_rolled_up(conn: &mut PgConnection, window: TimeWindow) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM traceability.state WHERE rolled_until > $1)")
        .bind(Slot::of(window.start).0)
        .fetch_one(conn)
        .await
}

/// Marks the slots of the requests in a temporary table, and those in which their sessions go on: their roll-ups know
/// when a session was active before.
pub(super) async fn mark(conn: &mut PgConnection, requests: &str) -> sqlx::Result<()> {
    let of_request = slot_of("c.started_at");
    let of_next = slot_of("n.next");
    let mut parts = vec![format!("SELECT {of_request} AS quarter FROM {requests} c")];
    for keys in dimensions::ROLLED_UP {
        let ([first, second], join, conditions) = dimensions::over_facts(keys);
        let and = |condition: &str| format!(" AND {condition}");
        let further: String = conditions.iter().copied().map(and).collect();
        let only = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let end = "to_timestamp((floor(EXTRACT(EPOCH FROM c.started_at) / 900) + 1) * 900) AT TIME ZONE 'UTC'";
        parts.push(format!(
            "SELECT {of_next} FROM (SELECT f.session_id, f.started_at, {first} AS k1, {second} AS k2 FROM {requests} f{join}{only}) c \
             CROSS JOIN LATERAL (SELECT min(f.started_at) AS next FROM traceability.facts f{join} \
             WHERE f.session_id = c.session_id AND f.started_at >= {end} AND {first} = c.k1 AND {second} = c.k2{further}) n \
             WHERE n.next IS NOT NULL"
        ));
    }
    let sql = format!(
        "INSERT INTO traceability.stale (quarter) SELECT DISTINCT q.quarter FROM ({}) AS q \
         WHERE q.quarter < (SELECT s.rolled_until FROM traceability.state s) \
         ON CONFLICT (quarter) DO UPDATE SET marked_at = EXCLUDED.marked_at",
        parts.join(" UNION ALL ")
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
