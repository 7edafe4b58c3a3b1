//! How long requests take.

use serde::Serialize;
use traceability_facts::measures::{COMPLETION_TOKENS, DURATION_MS, MAX_DURATION_MS, MIN_DURATION_MS, STREAMED};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, as_f64};

/// What stands for the requests of a window that is not divided.
const ALL: &str = "all";

/// How long the requests of one category took.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Latency {
    /// The category's id, as the filters take it; `unknown` (`untagged` among tags) for requests that have none, `all`
    /// without `group_by`.
    pub category: String,
    /// Its name, where LiteLLM has one: a team's or a key's alias.
    pub label: Option<String>,
    /// Requests.
    pub total_requests: i64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Seconds of the quickest request.
    pub min_response_time: f64,
    /// Seconds of the slowest request.
    pub max_response_time: f64,
    /// Requests whose response was streamed: those that have a time to the first token.
    pub streamed_requests: i64,
    /// Tokens of the completions per second that the requests took; null where they took no time.
    pub output_tokens_per_second: Option<f64>,
    /// What was asked for beside them; the percentiles are always there.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for Latency {
    const SPEC: Spec = Spec {
        extras: &[Extra::Percentiles, Extra::Labels],
        ..Spec::new(&[DURATION_MS, MIN_DURATION_MS, MAX_DURATION_MS, STREAMED, COMPLETION_TOKENS])
    };

    fn of(group: &Group) -> Self {
        let figures = &group.figures;
        let seconds = as_f64(figures.duration_ms) / 1000.0;
        Self {
            category: group.keys.first().map_or(ALL, String::as_str).to_owned(),
            label: group.labels.first().cloned().flatten(),
            total_requests: figures.requests,
            avg_response_time: figures.avg_duration,
            min_response_time: as_f64(figures.min_duration_ms) / 1000.0,
            max_response_time: as_f64(figures.max_duration_ms) / 1000.0,
            streamed_requests: figures.streamed,
            output_tokens_per_second: (seconds > 0.0).then(|| as_f64(figures.completion_tokens) / seconds),
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            total_requests,
            avg_response_time,
            min_response_time,
            max_response_time,
            streamed_requests,
            output_tokens_per_second
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
