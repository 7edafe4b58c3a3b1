//! `GET /api/v1/analytics/usage-trends`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use traceability_core::time::TimeWindow;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::Source;
use traceability_queries::analytics::{UsageTrend, report_over_time};
use utoipa::IntoParams;

use crate::buckets::{Granularity, buckets};
use crate::params::{AnalyticsOptions, AnalyticsQuery};

/// How the window is cut.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// Quarters of an hour (in windows of up to 32 days), hours, days, weeks (from Monday on) or months, as they begin in
    /// `timezone`; `day` if not given.
    #[serde(default = "Params::default_granularity")]
    #[param(inline, required = false)]
    granularity: Granularity,
}

impl Params {
    const fn default_granularity() -> Granularity {
        Granularity::Day
    }
}

/// Follow usage over time
///
/// One row per quarter of an hour, hour, day, week or month of the window, in order; rows without requests are zeros. The
/// rows sum to the overview, but for `unique_sessions`: a session counts in each bucket in which it was active. With
/// `compare` the first row is compared with the first one of the previous window, and so on.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/usage-trends",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, Params),
    responses(
        (status = 200, description = "The answer", body = Vec<UsageTrend>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_usage_trends(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, params): Query4<WindowParams, Filters, AnalyticsOptions, Params>,
) -> ApiResult<(CachePolicy, Json<Vec<UsageTrend>>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let cut = |window: TimeWindow| buckets(&window, params.granularity, query.zone()).map(|buckets| (window, buckets));
    let (_, current) = cut(*query.window())?;
    let before = query.previous().map(cut).transpose()?;
    let before = before.as_ref().map(|(window, buckets)| (*window, buckets.as_slice()));
    let mut db = state.db.connect().await?;
    let question = query.question.clone().with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let trends = report_over_time(&mut db.conn, source, &question, &current, before).await?;
    Ok((query.cache, Json(trends)))
}
