//! `GET /api/v1/analytics/agents`

use axum::Json;
use axum::extract::State;
use traceability_core::dimension::Dimension;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::AgentPerformance;

use crate::answer;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Rows};

/// Compare agents
///
/// One row per agent, the busiest first, at most 1000. Agents are named in LiteLLM's metadata, which is read row by row: over long windows of a busy log this can take longer than a request may.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/agents",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Rows),
    responses(
        (status = 200, description = "The answer", body = Vec<AgentPerformance>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_agents(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, rows): Query4<WindowParams, Filters, AnalyticsOptions, Rows>,
) -> ApiResult<(CachePolicy, Json<Vec<AgentPerformance>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = rows.layout(&query)?;
    answer::rows(&state, &caller, &query, &[Dimension::Agent], &layout).await
}
