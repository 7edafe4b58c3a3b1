//! The times that a request can have.
//!
//! PostgreSQL's timestamps reach from 4714 BC to the year 294276, and to `infinity` on both sides. Differences of them,
//! RFC 3339 and frontends do not reach that far. A time out of bounds is taken as the nearest one within, so that a clock
//! that is badly wrong fails nothing.

use chrono::{DateTime, NaiveDateTime, Utc};
use traceability_core::time::TimeWindow;
use traceability_facts::Conditions;

/// SQL of the earliest time.
pub(super) const EARLIEST: &str = "timestamp '1970-01-01 00:00:00'";
/// SQL of the latest time.
pub(super) const LATEST: &str = "timestamp '9999-12-31 23:59:59.999'";

const EARLIEST_INSTANT: DateTime<Utc> = DateTime::UNIX_EPOCH;
const LATEST_INSTANT: DateTime<Utc> = match DateTime::from_timestamp_millis(253_402_300_799_999) {
    Some(latest) => latest,
    None => DateTime::<Utc>::MAX_UTC,
};

/// The times within bounds, without the bounds themselves, which also stand for the times beyond.
pub const ALL: TimeWindow = TimeWindow {
    start: match DateTime::from_timestamp_millis(1) {
        Some(start) => start,
        None => EARLIEST_INSTANT,
    },
    end: LATEST_INSTANT,
};

/// SQL of a timestamp within bounds. NULL becomes the earliest, see [`within_or_null`].
#[must_use]
pub fn within(timestamp: &str) -> String {
    format!("LEAST(GREATEST({timestamp}, {EARLIEST}), {LATEST})")
}

/// As [`within`], of a column that may be NULL.
pub(super) fn within_or_null(timestamp: &str) -> String {
    format!("CASE WHEN {timestamp} IS NOT NULL THEN {} END", within(timestamp))
}

/// SQL of the start of the log rows `s` of a window: the bare column, by whose index they can be ordered, where none of them
/// can be out of bounds.
#[must_use]
pub fn started_at(window: &TimeWindow) -> String {
    let column = r#"s."startTime""#;
    if is_open_at_start(window) || is_open_at_end(window) { within(column) } else { column.into() }
}

/// Appends the conditions of the log rows `s` of a window, over the bare column, whose index answers. A window without
/// bounds has none.
pub fn push_started(conditions: &mut Conditions<'_>, window: &TimeWindow) {
    match overlap(window) {
        Overlap::Nothing => {
            conditions.and().push("false");
        }
        Overlap::Between { from, until } => {
            if let Some(from) = from {
                conditions.and().push(r#"s."startTime" >= "#).push_bind(from);
            }
            if let Some(until) = until {
                conditions.and().push(r#"s."startTime" < "#).push_bind(until);
            }
        }
    }
}

/// The same as text, for a statement that takes no parameters. Prisma's timestamps are UTC without saying so.
pub(super) fn started(window: &TimeWindow) -> String {
    match overlap(window) {
        Overlap::Nothing => "false".into(),
        Overlap::Between { from: None, until: None } => "true".into(),
        Overlap::Between { from, until } => {
            let from = from.map(|from| format!(r#"s."startTime" >= '{from}'"#));
            let until = until.map(|until| format!(r#"s."startTime" < '{until}'"#));
            from.into_iter().chain(until).collect::<Vec<_>>().join(" AND ")
        }
    }
}

/// What the bare column has to be for a row to be in a window.
enum Overlap {
    /// No row can be in the window.
    Nothing,
    Between {
        from: Option<NaiveDateTime>,
        until: Option<NaiveDateTime>,
    },
}

fn overlap(window: &TimeWindow) -> Overlap {
    if window.start > LATEST_INSTANT || window.end <= EARLIEST_INSTANT {
        return Overlap::Nothing;
    }
    Overlap::Between {
        from: (!is_open_at_start(window)).then(|| window.start.naive_utc()),
        until: (!is_open_at_end(window)).then(|| window.end.naive_utc()),
    }
}

/// A window with the earliest time has all rows that are taken to have started then.
fn is_open_at_start(window: &TimeWindow) -> bool {
    window.start <= EARLIEST_INSTANT
}

fn is_open_at_end(window: &TimeWindow) -> bool {
    window.end > LATEST_INSTANT
}

#[cfg(test)]
mod tests {
    use sqlx::QueryBuilder;

    use super::*;

    fn window(start: &str, end: &str) -> TimeWindow {
        let at = |text: &str| text.parse().expect("a time");
        TimeWindow { start: at(start), end: at(end) }
    }

    #[test]
    fn only_a_window_at_the_bounds_has_rows_from_beyond() {
        let bare = r#"s."startTime""#;
        for (start, end, is_bare, condition) in [
            (
                "2026-11-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                true,
                r#"s."startTime" >= '2026-11-01 00:00:00' AND s."startTime" < '2026-12-01 00:00:00'"#,
            ),
            ("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", false, r#"s."startTime" < '1970-01-02 00:00:00'"#),
            ("9999-12-31T23:59:00Z", "9999-12-31T23:59:59.999Z", true, ""),
            ("9999-12-31T23:59:00Z", "+10000-01-01T00:00:00Z", false, r#"s."startTime" >= '9999-12-31 23:59:00'"#),
            ("1960-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", false, "true"),
            ("1960-01-01T00:00:00Z", "1970-01-01T00:00:00Z", false, "false"),
            ("+10000-01-01T00:00:00Z", "+10000-01-02T00:00:00Z", false, "false"),
        ] {
            let window = window(start, end);
            assert_eq!(started_at(&window) == bare, is_bare, "{window:?}");
            assert!(condition.is_empty() || started(&window) == condition, "{}", started(&window));
            let mut sql = QueryBuilder::new("");
            push_started(&mut Conditions::new(&mut sql), &window);
            assert_eq!(sql.sql().as_str().matches('$').count(), started(&window).matches('\'').count() / 2);
        }
        assert_eq!(started_at(&ALL), bare);
    }
}
