//! `GET /api/v1/analytics/cost-breakdown`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use traceability_core::dimension::{Dimension, GroupBy};
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::analytics::CostShare;
use utoipa::IntoParams;

use crate::answer;
use crate::buckets::Granularity;
use crate::params::{AnalyticsOptions, AnalyticsQuery, Dimensions, Rows, Top};

/// How costs are grouped.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// What to group by: `model`, `agent`, `user`, `end_user`, `team`, `key`, `provider`, `tag` or `tool`, or two of them
    /// with a comma between, such as `team,model`; `model` if not given.
    #[serde(default = "Params::default_group_by")]
    #[param(value_type = Vec<GroupBy>, inline, required = false, style = Form, explode = false, max_items = 2)]
    group_by: Dimensions,
    /// Adds a `series` to each row: its totals per quarter of an hour (in windows of up to 32 days), hour, day, week (from
    /// Monday on) or month, as they begin in `timezone`. An answer has at most 50,000 such points.
    #[param(inline, required = false)]
    granularity: Option<Granularity>,
    /// How many rows, at most, beside `other`.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    top: Option<Top>,
}

impl Params {
    fn default_group_by() -> Dimensions {
        Dimensions(vec![GroupBy::Model])
    }
}

/// Break costs down
///
/// One row per category (with two dimensions: per pair of categories), the most expensive first; those beyond `top` are one row,
/// `other`. The rows sum to the overview, except by `tag`, where a request with several tags counts in each of them, and by
/// `tool`, where it counts in each called tool, and in none if it called none.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/cost-breakdown",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Params),
    responses(
        (status = 200, description = "The answer", body = Vec<CostShare>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_cost_breakdown(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, params): Query4<WindowParams, Filters, AnalyticsOptions, Params>,
) -> ApiResult<(CachePolicy, Json<Vec<CostShare>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = Rows::new(params.granularity, params.top).layout(&query)?;
    let keys: Vec<Dimension> = params.group_by.0.into_iter().map(Dimension::from).collect();
    answer::rows(&state, &caller, &query, &keys, &layout).await
}
