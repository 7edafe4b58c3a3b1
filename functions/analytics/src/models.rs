//! `GET /api/v1/analytics/models`

use axum::Json;
use axum::extract::State;
use traceability_core::dimension::Dimension;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::ModelUsage;

use crate::answer;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Rows};

/// Compare models
///
/// One row per model and provider, the busiest first, at most 1000.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/models",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Rows),
    responses(
        (status = 200, description = "The answer", body = Vec<ModelUsage>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_models(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, rows): Query4<WindowParams, Filters, AnalyticsOptions, Rows>,
) -> ApiResult<(CachePolicy, Json<Vec<ModelUsage>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = rows.layout(&query)?;
    answer::rows(&state, &caller, &query, &[Dimension::Model, Dimension::Provider], &layout).await
}
