//! Costs by one dimension or two.

use serde::Serialize;
use traceability_facts::measures::{SPEND, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Order, Spec};

/// What stands for the groups beyond the last.
const OTHER: &str = "other";

/// What one category cost.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CostShare {
    /// The category's id, as the filters take it; `unknown` (`untagged` among tags) for requests that have none, `other`
    /// for all categories beyond the most expensive (`top`).
    pub category: String,
    /// Its name, where LiteLLM has one: a team's or a key's alias.
    pub label: Option<String>,
    /// With two dimensions in `group_by`: the id in the second one, which is `other` where `category` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcategory: Option<String>,
    /// With two dimensions in `group_by`: its name, where LiteLLM has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sublabel: Option<Option<String>>,
    /// Requests.
    pub total_requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// US dollars per request.
    pub avg_cost_per_request: f64,
    /// The category's share of the window's cost, 0 to 100. Shares of tags and of tools overlap. A category with refunds can
    /// have cost less than nothing, which is 0, or more than the window, which is 100.
    pub cost_percentage: f64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for CostShare {
    const SPEC: Spec = Spec {
        extras: &[Extra::Labels, Extra::CostShares, Extra::OtherGroup],
        order: Order::Cost,
        ..Spec::new(&[TOTAL_TOKENS, SPEND])
    };

    fn of(group: &Group) -> Self {
        let has_two = group.labels.len() > 1;
        let key = |place: usize| group.keys.get(place).map_or(OTHER, String::as_str).to_owned();
        let label = |place: usize| group.labels.get(place).cloned().flatten();
        Self {
            category: key(0),
            label: label(0),
            subcategory: has_two.then(|| key(1)),
            sublabel: has_two.then(|| label(1)),
            total_requests: group.figures.requests,
            total_tokens: group.figures.total_tokens,
            total_cost: group.figures.spend,
            avg_cost_per_request: group.figures.avg_spend,
            cost_percentage: group.figures.share_of_spend,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(self, total_requests, total_tokens, total_cost, avg_cost_per_request, cost_percentage)
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
