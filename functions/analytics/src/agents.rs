//! `GET /api/v1/analytics/agents`

use axum::Json;
use axum::extract::State;
use traceability::api::params::Query2;
use traceability::api::window::WindowParams;
use traceability::api::{ApiResult, AppState, Caller, Problem};
use traceability::queries::Source;
use traceability::queries::analytics::{self, AgentPerformance, View};

use crate::params::{Filters, question};

/// Compare agents
///
/// One row per agent, the busiest first, at most 1000. Agents are named in LiteLLM's metadata, which is read row by row: over long windows of a busy log this can take longer than a request may.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/agents",
    tag = "analytics",
    params(WindowParams, Filters),
    responses(
        (status = 200, description = "The answer", body = Vec<AgentPerformance>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_agents(
    State(state): State<AppState>,
    caller: Caller,
    Query2(window, filters): Query2<WindowParams, Filters>,
) -> ApiResult<Json<Vec<AgentPerformance>>> {
    let question = question(&window, &filters, state.clock.now())?;
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    Ok(Json(analytics::agents(&mut db.conn, source, &question, &View::default()).await?))
}
