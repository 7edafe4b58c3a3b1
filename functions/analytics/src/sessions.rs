//! `GET /api/v1/analytics/sessions`

use axum::Json;
use axum::extract::State;
use traceability_http::filters::Filters;
use traceability_http::params::Query2;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::Source;
use traceability_queries::sessions::{Histograms, histograms};

/// Show how sessions are distributed
///
/// Histograms of cost, duration and requests per session, of the sessions that began in the window: those whose first
/// request started in it. Their totals are those of whole sessions, later requests included. The filters are about requests:
/// a session counts when one of its requests in the window fulfils all of them.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/sessions",
    tag = "analytics",
    params(WindowParams, Filters),
    responses(
        (status = 200, description = "The answer", body = Histograms),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_session_histograms(
    State(state): State<AppState>,
    caller: Caller,
    Query2(window, filters): Query2<WindowParams, Filters>,
) -> ApiResult<(CachePolicy, Json<Histograms>)> {
    let cache = window.cache_policy();
    let window = window.window(state.clock.now())?;
    let mut db = state.db.connect().await?;
    let filter = filters.request_filter().with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let found = histograms(&mut db.conn, source, &window, &filter).await?;
    Ok((cache, Json(found)))
}
