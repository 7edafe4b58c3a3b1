//! `GET /api/v1/analytics/cost-breakdown`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use traceability::api::params::Query3;
use traceability::api::window::WindowParams;
use traceability::api::{ApiResult, AppState, Caller, Problem};
use traceability::queries::Source;
use traceability::queries::analytics::{self, CostShare, GroupBy, View};
use utoipa::IntoParams;

use crate::params::{Filters, question};

/// How costs are grouped.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// What to group by; `model` if not given.
    #[serde(default = "Params::default_group_by")]
    #[param(inline, required = false)]
    group_by: GroupBy,
}

impl Params {
    const fn default_group_by() -> GroupBy {
        GroupBy::Model
    }
}

/// Break costs down
///
/// One row per category, the dearest first; categories beyond the thousandth are one row, `other`. The rows sum to the
/// overview, except by `tag`, where a request with several tags counts in each of them.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/cost-breakdown",
    tag = "analytics",
    params(WindowParams, Filters, Params),
    responses(
        (status = 200, description = "The answer", body = Vec<CostShare>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_cost_breakdown(
    State(state): State<AppState>,
    caller: Caller,
    Query3(window, filters, params): Query3<WindowParams, Filters, Params>,
) -> ApiResult<Json<Vec<CostShare>>> {
    let question = question(&window, &filters, state.clock.now())?;
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    Ok(Json(
        analytics::cost_breakdown(&mut db.conn, source, &question, &[params.group_by.into()], &View::default()).await?,
    ))
}
