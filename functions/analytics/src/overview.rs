//! `GET /api/v1/analytics/overview`

use axum::Json;
use axum::extract::State;
use traceability_http::filters::Filters;
use traceability_http::params::Query4;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::Source;
use traceability_queries::analytics::{Overview, report_total};

use crate::params::{AnalyticsOptions, AnalyticsQuery, SeriesParams};

/// Overview
///
/// Totals of a window.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/overview",
    tag = "analytics",
    params(WindowParams, Filters, AnalyticsOptions, SeriesParams),
    responses(
        (status = 200, description = "The answer", body = Overview),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_overview(
    State(state): State<AppState>,
    caller: Caller,
    Query4(window, filters, options, cut): Query4<WindowParams, Filters, AnalyticsOptions, SeriesParams>,
) -> ApiResult<(CachePolicy, Json<Overview>)> {
    let query = AnalyticsQuery::new(&window, &filters, &options, state.clock.now())?;
    let layout = cut.layout(&query)?;
    let mut db = state.db.connect().await?;
    let question = query.question.clone().with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let total = report_total(&mut db.conn, source, &question, &layout.view).await?;
    Ok((query.cache, Json(total)))
}
