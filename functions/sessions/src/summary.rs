//! `GET /api/v1/sessions/{session_id}/summary`

use axum::Json;
use axum::extract::State;
use traceability_http::params::NoQuery;
use traceability_http::{ApiError, ApiResult, AppState, Caller, PathId, Problem};
use traceability_queries::Source;
use traceability_queries::sessions;
use traceability_queries::sessions::SessionSummary;

/// Summarise a session
///
/// The totals of one session, whatever number of users, agents or keys took part.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{session_id}/summary",
    tag = "sessions",
    params(("session_id" = String, Path, description = "The session's id, percent-encoded")),
    responses(
        (status = 200, description = "The session", body = SessionSummary),
        (status = "4XX", description = "There is no such session", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_session_summary(
    State(state): State<AppState>,
    caller: Caller,
    PathId(session_id): PathId,
    _: NoQuery,
) -> ApiResult<Json<SessionSummary>> {
    let mut db = state.db.look_up().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let Some(summary) = sessions::summary(&mut db.conn, source, &session_id).await? else {
        db.require_index()?;
        return Err(no_such_session());
    };
    Ok(Json(summary))
}

/// The answer for a session that does not exist.
pub(crate) fn no_such_session() -> ApiError {
    ApiError::NotFound("There is no session with this id.".into())
}
