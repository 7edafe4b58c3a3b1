//! What is told of a group beyond its totals.

use serde::Serialize;
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::group::Group;
use super::percentiles::Quantiles;
use super::{as_f64, hundredths, percentage};

/// With `details`: rates of a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Details {
    /// How many in 100 requests failed.
    #[schema(required = false)]
    pub error_rate: f64,
    /// Prompt tokens that the providers read from their own caches; null where LiteLLM kept no usage.
    #[schema(required = false)]
    pub cached_tokens: Option<i64>,
    /// Percentage of prompt tokens that were cached, of the requests whose usage LiteLLM kept; null if there are none. A
    /// request with more cached than prompt tokens counts them apart, so its prompt has the sum of both.
    #[schema(required = false)]
    pub cached_token_share: Option<f64>,
    /// Requests of the group per session with one; null without sessions, and for `other`.
    #[schema(required = false)]
    pub requests_per_session: Option<f64>,
    /// US dollars of the group per session with a request of it; null without sessions, and for `other`.
    #[schema(required = false)]
    pub cost_per_session: Option<f64>,
}

/// Within how many seconds so many in 100 requests of a group were through.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Times {
    /// Seconds within which half of the requests were answered; null without requests, and, as all percentiles, for `other`.
    #[schema(required = false)]
    pub p50_response_time: Option<f64>,
    /// Seconds within which 90 of 100 requests were answered.
    #[schema(required = false)]
    pub p90_response_time: Option<f64>,
    /// Seconds within which 95 of 100 requests were answered.
    #[schema(required = false)]
    pub p95_response_time: Option<f64>,
    /// Seconds within which 99 of 100 requests were answered.
    #[schema(required = false)]
    pub p99_response_time: Option<f64>,
    /// Seconds to the first token on average; null where nothing was streamed.
    #[schema(required = false)]
    pub avg_time_to_first_token: Option<f64>,
    /// Seconds within which half of the streamed responses had their first token.
    #[schema(required = false)]
    pub p50_time_to_first_token: Option<f64>,
    /// Seconds within which 90 of 100 streamed responses had their first token.
    #[schema(required = false)]
    pub p90_time_to_first_token: Option<f64>,
    /// Seconds within which 95 of 100 streamed responses had their first token.
    #[schema(required = false)]
    pub p95_time_to_first_token: Option<f64>,
    /// Seconds within which 99 of 100 streamed responses had their first token.
    #[schema(required = false)]
    pub p99_time_to_first_token: Option<f64>,
}

impl Details {
    /// All of them, by their names.
    pub(super) fn figures(&self) -> RowFigures {
        row_figures!(self, error_rate, cached_tokens, cached_token_share, requests_per_session, cost_per_session)
    }

    pub(super) fn of(group: &Group) -> Self {
        let figures = &group.figures;
        let per_session = |value: f64| (group.sessions > 0).then(|| value / as_f64(group.sessions));
        let of = figures.cached_tokens_of.filter(|tokens| *tokens > 0).map(as_f64);
        // Roll-ups that an earlier version made know no sum of both.
        let share =
            figures.cached_tokens.map(as_f64).zip(of).map(|(cached, of)| hundredths(100.0 * cached / of).min(100.0));
        Self {
            error_rate: percentage(figures.failed_requests, figures.requests),
            cached_tokens: figures.cached_tokens,
            cached_token_share: share,
            requests_per_session: per_session(as_f64(figures.requests)),
            cost_per_session: per_session(figures.spend),
        }
    }
}

impl Times {
    /// All of them, by their names.
    pub(super) fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            p50_response_time,
            p90_response_time,
            p95_response_time,
            p99_response_time,
            avg_time_to_first_token,
            p50_time_to_first_token,
            p90_time_to_first_token,
            p95_time_to_first_token,
            p99_time_to_first_token
        )
    }

    pub(super) fn of(group: &Group) -> Self {
        let spread = |quantiles: Option<Quantiles>| quantiles.map_or([None; 4], |values| values.map(Some));
        let response = spread(group.percentiles.response);
        let first_token = spread(group.percentiles.first_token);
        Self {
            p50_response_time: response[0],
            p90_response_time: response[1],
            p95_response_time: response[2],
            p99_response_time: response[3],
            avg_time_to_first_token: group.figures.avg_ttft,
            p50_time_to_first_token: first_token[0],
            p90_time_to_first_token: first_token[1],
            p95_time_to_first_token: first_token[2],
            p99_time_to_first_token: first_token[3],
        }
    }
}
