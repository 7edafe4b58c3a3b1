//! `GET /api/v1/analytics/latency`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use traceability_core::dimension::{Dimension, GroupBy};
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::Latency;
use utoipa::IntoParams;

use crate::answer;
use crate::buckets::Granularity;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Rows, Top};

/// How requests are grouped.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// What to group by; if not given, all requests are one row, `all`.
    #[param(inline, required = false)]
    group_by: Option<GroupBy>,
    /// Adds a `series` to each row: its totals per quarter of an hour (in windows of up to 32 days), hour, day, week (from
    /// Monday on) or month, as they begin in `timezone`. An answer has at most 50,000 such points.
    #[param(inline, required = false)]
    granularity: Option<Granularity>,
    /// How many rows, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    top: Option<Top>,
}

/// Compare response times
///
/// One row per category, the busiest first, at most 1000: averages, extremes and percentiles of the seconds that requests
/// took, and of the seconds to the first token of those that were streamed.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/latency",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Params),
    responses(
        (status = 200, description = "The answer", body = Vec<Latency>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_latency(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, params): Query4<WindowParams, Filters, AnalyticsOptions, Params>,
) -> ApiResult<(CachePolicy, Json<Vec<Latency>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = Rows::new(params.granularity, params.top).layout(&query)?;
    let key = params.group_by.map(Dimension::from);
    answer::rows(&state, &caller, &query, key.as_slice(), &layout).await
}
