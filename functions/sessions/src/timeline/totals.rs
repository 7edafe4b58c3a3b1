//! What a session is in all: the figures of its summary.

use chrono::{DateTime, Utc};
use traceability_queries::sessions::{SessionSummary, StepRow};
use traceability_steps::{Span, busy, seconds};

/// What a session is in all.
pub struct Totals {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub wall_seconds: f64,
    pub busy_seconds: f64,
    pub requests: i64,
    pub cost: f64,
    pub total_tokens: i64,
    pub tool_calls_exact: bool,
}

/// When the requests ran.
pub fn spans(rows: &[StepRow]) -> Vec<Span> {
    rows.iter().map(|row| Span::new(row.started_at.timestamp_micros(), row.ended_at.timestamp_micros())).collect()
}

impl Totals {
    /// Of all requests of a session, in their order.
    pub fn of(rows: &[StepRow]) -> Self {
        let spans = spans(rows);
        let start = rows.first().map_or(DateTime::UNIX_EPOCH, |row| row.started_at);
        let end = rows.iter().map(|row| row.ended_at.max(row.started_at)).max().unwrap_or(start);
        Self {
            start,
            end,
            wall_seconds: seconds((end - start).num_microseconds().unwrap_or(i64::MAX)),
            busy_seconds: seconds(busy(&spans)),
            requests: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            cost: rows.last().map_or(0.0, |row| row.running_cost),
            total_tokens: rows.iter().map(|row| row.total_tokens).sum(),
            tool_calls_exact: rows.iter().all(|row| row.tool_calls_exact),
        }
    }
}

impl From<SessionSummary> for Totals {
    fn from(summary: SessionSummary) -> Self {
        Self {
            start: summary.session_start,
            end: summary.session_end,
            wall_seconds: summary.total_duration_seconds,
            busy_seconds: summary.busy_seconds,
            requests: summary.total_messages,
            cost: summary.total_cost,
            total_tokens: summary.total_tokens,
            tool_calls_exact: summary.function_calls_exact,
        }
    }
}
