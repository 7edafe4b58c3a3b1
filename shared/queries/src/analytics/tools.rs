//! By called tool.

use serde::Serialize;
use traceability_core::dimension::Dimension;
use traceability_db::Connection;
use traceability_facts::measures::{DURATION_MS, FAILED_REQUESTS, SPEND, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::report::{More, Report, View, report};
use super::{Group, Question, Spec, percentage};
use crate::Source;

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
    pub more: More,
}

impl Report for ToolUsage {
    const NAMES: &'static [&'static str] = &["tool_name"];
    const WANTS: Spec =
        Spec { sessions: true, whole: true, ..Spec::new(&[TOTAL_TOKENS, SPEND, DURATION_MS, FAILED_REQUESTS]) };

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
            more: More::default(),
        }
    }

    fn more(&mut self) -> &mut More {
        &mut self.more
    }
}

/// The tools that the requests in question called, those of the most requests first.
///
/// # Errors
/// Whatever the database reports.
pub async fn tools(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    view: &View,
) -> sqlx::Result<Vec<ToolUsage>> {
    report(conn, source, question, &[Dimension::Tool], view).await
}
