//! `GET /api/v1/analytics/overview`

use axum::Json;
use axum::extract::State;
use traceability::api::params::Query2;
use traceability::api::window::WindowParams;
use traceability::api::{ApiResult, AppState, Caller, Problem};
use traceability::queries::Source;
use traceability::queries::analytics::{self, Overview, View};

use crate::params::{Filters, question};

/// Overview
///
/// Totals of a window.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/overview",
    tag = "analytics",
    params(WindowParams, Filters),
    responses(
        (status = 200, description = "The answer", body = Overview),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_overview(
    State(state): State<AppState>,
    caller: Caller,
    Query2(window, filters): Query2<WindowParams, Filters>,
) -> ApiResult<Json<Overview>> {
    let question = question(&window, &filters, state.clock.now())?;
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    Ok(Json(analytics::overview(&mut db.conn, source, &question, &View::default()).await?))
}
