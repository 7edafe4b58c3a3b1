//! Which roll-ups a late or altered request puts out of date.

use sqlx::PgConnection;
use traceability_core::time::TimeWindow;

use super::staging::execute_by_key;
use crate::{Slot, dimensions};

/// SQL of the slot that a timestamp belongs to.
pub(super) fn slot_of(timestamp: &str) -> String {
    format!("floor(EXTRACT(EPOCH FROM {timestamp}) / 900)::integer")
}

/// Whether a part of the window is rolled up.
pub(super) async fn is_rolled_up(conn: &mut PgConnection, window: TimeWindow) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM traceability.state WHERE rolled_until > $1)")
        .bind(Slot::of(window.start).0)
        .fetch_one(conn)
        .await
}

/// Marks the slots of the requests in a table of the merge, and those in which their sessions go on: their roll-ups know when a
/// session was active before.
pub(super) async fn mark(conn: &mut PgConnection, requests: &str) -> sqlx::Result<()> {
    let slot = slot_of("f.started_at");
    let mut parts = vec![format!("SELECT {slot} AS quarter FROM {requests} f")];
    let touched = format!("f.session_id IN (SELECT a.session_id FROM {requests} a)");
    for keys in dimensions::ROLLED_UP {
        let ([first, second], join, conditions) = dimensions::over_facts(keys);
        let slots = |table: &str, is_marked: &str, conditions: &[&str]| {
            let only =
                if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
            format!(
                "SELECT f.session_id, {slot} AS quarter, {first} AS k1, {second} AS k2, {is_marked} AS is_marked \
                 FROM {table} f{join}{only}"
            )
        };
        let of_touched = [&[touched.as_str()], conditions.as_slice()].concat();
        // The slots of each session and group, with the one after it. A slot that only an altered request had is marked itself.
        parts.push(format!(
            "SELECT n.next AS quarter FROM (SELECT s.is_marked, \
             lead(s.quarter) OVER (PARTITION BY s.session_id, s.k1, s.k2 ORDER BY s.quarter) AS next \
             FROM (SELECT u.session_id, u.quarter, u.k1, u.k2, bool_or(u.is_marked) AS is_marked \
                   FROM ({} UNION ALL {}) u GROUP BY u.session_id, u.quarter, u.k1, u.k2) s) n \
             WHERE n.is_marked AND n.next IS NOT NULL",
            slots(requests, "true", &conditions),
            slots("traceability.requests", "false", &of_touched),
        ));
    }
    let sql = format!(
        "INSERT INTO traceability.stale (quarter, marked_at) SELECT d.quarter, clock_timestamp() FROM (\
             SELECT DISTINCT q.quarter FROM ({}) AS q \
             WHERE q.quarter < (SELECT s.rolled_until FROM traceability.state s)) AS d \
         ON CONFLICT (quarter) DO UPDATE SET marked_at = EXCLUDED.marked_at",
        parts.join(" UNION ALL ")
    );
    execute_by_key(conn, sql).await
}
