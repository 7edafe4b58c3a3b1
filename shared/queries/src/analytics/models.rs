//! By model and provider.

use serde::Serialize;
use traceability_facts::measures::{
    CACHE_HITS, COMPLETION_TOKENS, DURATION_MS, FAILED_REQUESTS, MAX_DURATION_MS, MIN_DURATION_MS, PROMPT_TOKENS,
    SPEND, TOTAL_TOKENS,
};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Group, Spec, as_f64, percentage};

/// What one model did at one provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelUsage {
    /// The model's public name, which is the same in every release of LiteLLM; `unknown` where none was logged.
    pub model: String,
    /// Requests.
    pub total_requests: i64,
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
    /// Seconds of the quickest request.
    pub min_response_time: f64,
    /// Seconds of the slowest request.
    pub max_response_time: f64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// How many in 100 requests the cache answered.
    pub cache_hit_rate: f64,
    /// The provider, `unknown` where none was logged.
    pub provider: String,
    /// Requests that failed.
    pub failed_requests: i64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for ModelUsage {
    const SPEC: Spec = Spec::new(&[
        PROMPT_TOKENS,
        COMPLETION_TOKENS,
        TOTAL_TOKENS,
        SPEND,
        DURATION_MS,
        MIN_DURATION_MS,
        MAX_DURATION_MS,
        CACHE_HITS,
        FAILED_REQUESTS,
    ]);

    fn of(group: &Group) -> Self {
        let (figures, key) = (&group.figures, |place: usize| group.keys.get(place).cloned().unwrap_or_default());
        Self {
            model: key(0),
            provider: key(1),
            total_requests: figures.requests,
            total_prompt_tokens: figures.prompt_tokens,
            total_completion_tokens: figures.completion_tokens,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
            min_response_time: as_f64(figures.min_duration_ms) / 1000.0,
            max_response_time: as_f64(figures.max_duration_ms) / 1000.0,
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
            total_prompt_tokens,
            total_completion_tokens,
            total_tokens,
            total_cost,
            avg_response_time,
            min_response_time,
            max_response_time,
            cache_hits,
            cache_hit_rate,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
