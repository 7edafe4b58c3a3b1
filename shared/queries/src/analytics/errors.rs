//! By class of error and model.

use serde::Serialize;
use traceability_facts::measures::{FAILED_REQUESTS, SPEND};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, percentage};

/// How often one model failed in one way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorShare {
    /// The class of the error as LiteLLM names it, such as `RateLimitError`; `unknown` where it noted none.
    pub error_class: String,
    /// The model's public name, `unknown` where none was logged.
    pub model: String,
    /// Requests that failed so.
    pub failed_requests: i64,
    /// How many in 100 failed requests of the window those are.
    pub share_of_failures: f64,
    /// How many in 100 requests of the window those are.
    pub share_of_requests: f64,
    /// US dollars that they cost nevertheless.
    pub total_cost: f64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for ErrorShare {
    const SPEC: Spec = Spec { extras: &[Extra::Whole], ..Spec::new(&[FAILED_REQUESTS, SPEND]) };

    fn of(group: &Group) -> Self {
        let (figures, key) = (&group.figures, |place: usize| group.keys.get(place).cloned().unwrap_or_default());
        Self {
            error_class: key(0),
            model: key(1),
            failed_requests: figures.failed_requests,
            share_of_failures: percentage(figures.failed_requests, group.whole.failed_requests),
            share_of_requests: percentage(figures.failed_requests, group.whole.requests),
            total_cost: figures.spend,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(self, failed_requests, share_of_failures, share_of_requests, total_cost)
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
