//! `GET /api/v1/analytics/tools`

use axum::Json;
use axum::extract::State;
use traceability_core::dimension::Dimension;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::ToolUsage;

use crate::answer;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Rows};

/// Compare tools
///
/// One row per tool that a model or a client called, those of the most requests first, at most 1000. Requests are counted, not
/// calls: how often one request called a tool is not known of each tool. Names come from LiteLLM's index of called tools
/// and, where it has none, from the stored responses; requests whose response was not stored either are in no row. Responses
/// are read row by row: over long windows of a busy log this can take longer than a request may.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/tools",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Rows),
    responses(
        (status = 200, description = "The answer", body = Vec<ToolUsage>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_tools(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, rows): Query4<WindowParams, Filters, AnalyticsOptions, Rows>,
) -> ApiResult<(CachePolicy, Json<Vec<ToolUsage>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = rows.layout(&query)?;
    answer::rows(&state, &caller, &query, &[Dimension::Tool], &layout).await
}
