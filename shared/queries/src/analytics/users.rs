//! By LiteLLM user.

use serde::Serialize;
use traceability_facts::measures::{
    CACHE_HITS, COMPLETION_TOKENS, DURATION_MS, FAILED_REQUESTS, PROMPT_TOKENS, SPEND, TOTAL_TOKENS,
};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, percentage};

/// What one LiteLLM user did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserUsage {
    /// The LiteLLM user who owns the keys, `unknown` for requests without one.
    pub user_id: String,
    /// Requests.
    pub total_requests: i64,
    /// Sessions with a request of the user.
    pub unique_sessions: i64,
    /// Tokens of the prompts.
    pub total_prompt_tokens: i64,
    /// Tokens of the completions.
    pub total_completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// How many in 100 requests the cache answered.
    pub cache_hit_rate: f64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for UserUsage {
    const SPEC: Spec = Spec {
        extras: &[Extra::Sessions],
        ..Spec::new(&[PROMPT_TOKENS, COMPLETION_TOKENS, TOTAL_TOKENS, SPEND, DURATION_MS, CACHE_HITS, FAILED_REQUESTS])
    };

    fn of(group: &Group) -> Self {
        let figures = &group.figures;
        Self {
            user_id: group.keys.first().cloned().unwrap_or_default(),
            total_requests: figures.requests,
            unique_sessions: group.sessions,
            total_prompt_tokens: figures.prompt_tokens,
            total_completion_tokens: figures.completion_tokens,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
            cache_hits: figures.cache_hits,
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
            total_prompt_tokens,
            total_completion_tokens,
            total_tokens,
            total_cost,
            avg_response_time,
            cache_hits,
            cache_hit_rate,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
