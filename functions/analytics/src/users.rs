//! `GET /api/v1/analytics/users`

use axum::Json;
use axum::extract::State;
use traceability_core::dimension::Dimension;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::UserUsage;

use crate::answer;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Rows};

/// Compare users
///
/// One row per LiteLLM user, the busiest first, at most 1000.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/users",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Rows),
    responses(
        (status = 200, description = "The answer", body = Vec<UserUsage>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_users(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, rows): Query4<WindowParams, Filters, AnalyticsOptions, Rows>,
) -> ApiResult<(CachePolicy, Json<Vec<UserUsage>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = rows.layout(&query)?;
    answer::rows(&state, &caller, &query, &[Dimension::User], &layout).await
}
