//! Which requests a source of facts is made of.

use traceability_core::time::TimeWindow;

use super::Conditions;

/// Which rows of the log a source is made of, beside the caller's scope. Each is answered by an
/// index of LiteLLM's, where it has one: sessions since 1.72, call ids perhaps.
#[derive(Debug, Clone, Copy)]
pub enum RowSelector<'a> {
    /// All, for a query that takes the first of them by `started_at`.
    All,
    /// The requests that started in a window.
    Started(&'a TimeWindow),
    /// Those of some sessions that started in a window.
    StartedInSessions {
        /// When.
        window: &'a TimeWindow,
        /// Of which sessions: one or more.
        sessions: &'a [String],
    },
    /// The requests of one session.
    Session(&'a str),
    /// The requests of the session that a column of an outer query names.
    SessionOf(&'static str),
    /// The request with this id, which is not unique by constraint where the table is partitioned.
    Request(&'a str),
    /// The requests with this call id; none in releases that do not store it.
    Call(&'a str),
    /// The requests with these ids.
    Requests(&'a [String]),
    /// The requests that started in one of these windows: one or more, ascending, none of which overlap.
    StartedIn(&'a [TimeWindow]),
}

impl RowSelector<'_> {
    /// Appends the condition that `started_at`, SQL of a timestamp of UTC, lies in one of the windows, as [`Self::StartedIn`] has
    /// them. All of them together come first: by that the planner leaves out partitions.
    pub fn push_windows(started_at: &str, windows: &[TimeWindow], conditions: &mut Conditions<'_>) {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            conditions.and().push("false");
            return;
        };
        conditions.and().push(format!("{started_at} >= ")).push_bind(first.start.naive_utc());
        conditions.and().push(format!("{started_at} < ")).push_bind(last.end.naive_utc());
        if windows.len() > 1 {
            let sql = conditions.and();
            for (place, window) in windows.iter().enumerate() {
                sql.push(if place == 0 { "(" } else { " OR " });
                sql.push(format!("{started_at} >= ")).push_bind(window.start.naive_utc());
                sql.push(format!(" AND {started_at} < ")).push_bind(window.end.naive_utc());
            }
            sql.push(")");
        }
    }
}
