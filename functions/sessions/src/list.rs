//! `GET /api/v1/sessions`

use axum::Json;
use axum::extract::{OriginalUri, State};
use traceability_http::page::{NextPage, TotalCount};
use traceability_http::params::Query3;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Page, Problem};
use traceability_queries::sessions::SessionSummary;

use crate::filters::{SessionFilters, Sorting, find};

/// List sessions
///
/// The newest sessions first, or in another order. Filters select sessions; the totals are always of the whole session.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "sessions",
    params(SessionFilters, Sorting, Page),
    responses(
        (status = 200, description = "A page of sessions", body = Vec<SessionSummary>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`), if there is one"),
            ("X-Total-Count" = String, description = "With `count=true`: how many items all pages have; `10000+` for more")
        )),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_sessions(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query3(filters, sorting, page): Query3<SessionFilters, Sorting, Page>,
) -> ApiResult<(CachePolicy, NextPage, TotalCount, Json<Vec<SessionSummary>>)> {
    let (next, total, sessions) = find(&state, &caller, &uri, &filters, sorting, &page).await?;
    Ok((CachePolicy::Revalidate, next, total, Json(sessions)))
}
