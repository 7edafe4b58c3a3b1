//! `POST /api/v1/sessions/search`

use axum::Json;
use axum::extract::{OriginalUri, State};
use traceability_http::page::{NextPage, TotalCount};
use traceability_http::params::Query2;
use traceability_http::{ApiResult, AppState, Caller, JsonBody, Page, Problem};
use traceability_queries::sessions::SessionSummary;

use crate::filters::{SessionFilters, Sorting, find};

/// Search sessions
///
/// The same as listing them, with the filters as a JSON object in the body; `{}` filters nothing. For the next page send
/// the same body to the `Link` header's URL.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/search",
    tag = "sessions",
    params(Sorting, Page),
    request_body(content = SessionFilters, example = json!({"agent_name": "support-bot", "min_cost": 0.001})),
    responses(
        (status = 200, description = "A page of sessions", body = Vec<SessionSummary>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`), if there is one"),
            ("X-Total-Count" = String, description = "With `count=true`: how many items all pages have; `10000+` for more")
        )),
        (status = "4XX", description = "A parameter or a field is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn search_sessions(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query2(sorting, page): Query2<Sorting, Page>,
    JsonBody(filters): JsonBody<SessionFilters>,
) -> ApiResult<(NextPage, TotalCount, Json<Vec<SessionSummary>>)> {
    let (next, total, sessions) = find(&state, &caller, &uri, &filters, sorting, &page).await?;
    Ok((next, total, Json(sessions)))
}
