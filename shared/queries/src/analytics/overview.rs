//! The whole window in one row.

use serde::Serialize;
use traceability_facts::measures::{CACHE_HITS, DURATION_MS, FAILED_REQUESTS, SPEND, TOOL_CALLS, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, percentage};

/// Totals of a window.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    /// Requests.
    pub total_requests: i64,
    /// Sessions with a request in the window.
    pub unique_sessions: i64,
    /// LiteLLM users with a request in the window.
    pub unique_users: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// Tool calls.
    pub total_function_calls: i64,
    /// How many in 100 requests the cache answered.
    pub cache_hit_rate: f64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for Overview {
    const SPEC: Spec = Spec {
        extras: &[Extra::Sessions, Extra::Users],
        ..Spec::new(&[TOTAL_TOKENS, SPEND, DURATION_MS, CACHE_HITS, TOOL_CALLS, FAILED_REQUESTS])
    };

    fn of(group: &Group) -> Self {
        let figures = &group.figures;
        Self {
            total_requests: figures.requests,
            unique_sessions: group.sessions,
            unique_users: group.users,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
            cache_hits: figures.cache_hits,
            total_function_calls: figures.tool_calls,
            cache_hit_rate: percentage(figures.cache_hits, figures.requests),
            failed_requests: figures.failed_requests,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            total_requests,
            unique_sessions,
            unique_users,
            total_tokens,
            total_cost,
            avg_response_time,
            cache_hits,
            total_function_calls,
            cache_hit_rate,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
