//! Over time.

use chrono::{DateTime, Utc};
use serde::Serialize;
use traceability_facts::measures::{DURATION_MS, FAILED_REQUESTS, SPEND, TOOL_CALLS, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec};

/// Totals of one bucket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsageTrend {
    /// The bucket as the clock in `timezone` shows it: `YYYY-MM-DD HH:MM:00` (15 minutes), `YYYY-MM-DD HH:00:00` (hours),
    /// `YYYY-MM-DD` (days; weeks by their Monday) or `YYYY-MM`.
    #[schema(example = "2026-11-23")]
    pub time_period: String,
    /// When the bucket begins. The first one begins before the window where that starts in its middle.
    pub period_start: DateTime<Utc>,
    /// Requests.
    pub total_requests: i64,
    /// Sessions with a request in the bucket.
    pub unique_sessions: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average; 0 without requests.
    pub avg_response_time: f64,
    /// Tool calls.
    pub function_calls: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for UsageTrend {
    const SPEC: Spec = Spec {
        extras: &[Extra::Sessions],
        ..Spec::new(&[TOTAL_TOKENS, SPEND, DURATION_MS, TOOL_CALLS, FAILED_REQUESTS])
    };

    fn of(group: &Group) -> Self {
        let (figures, bucket) = (&group.figures, group.bucket.as_ref());
        Self {
            time_period: bucket.map(|bucket| bucket.label.clone()).unwrap_or_default(),
            period_start: bucket.map(|bucket| bucket.start).unwrap_or_default(),
            total_requests: figures.requests,
            unique_sessions: group.sessions,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
            function_calls: figures.tool_calls,
            failed_requests: figures.failed_requests,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            total_requests,
            unique_sessions,
            total_tokens,
            total_cost,
            avg_response_time,
            function_calls,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
