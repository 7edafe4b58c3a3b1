//! By called tool.

use serde::Serialize;
use traceability_facts::measures::{DURATION_MS, FAILED_REQUESTS, SPEND, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, percentage};

/// The requests whose response called one tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ToolUsage {
    /// The tool's name; that of an MCP tool called through the proxy is `<server>/<tool>`.
    pub tool_name: String,
    /// Requests that called the tool, once or several times.
    pub total_requests: i64,
    /// How many in 100 requests of the window those are. Shares overlap: a request may call several tools.
    pub share_of_requests: f64,
    /// Sessions with such a request.
    pub unique_sessions: i64,
    /// All tokens of these requests.
    pub total_tokens: i64,
    /// US dollars of these requests.
    pub total_cost: f64,
    /// Seconds such a request took on average.
    pub avg_response_time: f64,
    /// Those of these requests that failed.
    pub failed_requests: i64,
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for ToolUsage {
    const SPEC: Spec = Spec {
        extras: &[Extra::Sessions, Extra::Whole],
        ..Spec::new(&[TOTAL_TOKENS, SPEND, DURATION_MS, FAILED_REQUESTS])
    };

    fn of(group: &Group) -> Self {
        let figures = &group.figures;
        Self {
            tool_name: group.keys.first().cloned().unwrap_or_default(),
            total_requests: figures.requests,
            share_of_requests: percentage(figures.requests, group.whole.requests),
            unique_sessions: group.sessions,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
            failed_requests: figures.failed_requests,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            total_requests,
            share_of_requests,
            unique_sessions,
            total_tokens,
            total_cost,
            avg_response_time,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
