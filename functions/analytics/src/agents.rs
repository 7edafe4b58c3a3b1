//! `GET /api/v1/analytics/agents`

use axum::Json;
use axum::extract::State;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, Caller, Problem};
use traceability_queries::Source;
use traceability_queries::analytics;
use traceability_queries::analytics::AgentPerformance;

use crate::params::{AnalyticsOptions, Asked, Rows};

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
    Query4(window, filters, extent, rows): Query4<WindowParams, Filters, AnalyticsOptions, Rows>,
) -> ApiResult<Json<Vec<AgentPerformance>>> {
    let asked = Asked::new(&window, &filters, &extent, state.clock.now())?;
    let shape = rows.shape(&asked)?;
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let question = asked.question(db.facts.is_indexed());
    Ok(Json(shape.fit(analytics::agents(&mut db.conn, source, &question, &shape.view).await?)?))
}
