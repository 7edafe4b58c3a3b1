//! Sessions: what happened in one, message by message, and the search for many.

mod diff;
mod filters;
mod list;
mod messages;
mod search;
mod summary;
mod timeline;

use traceability_http::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this function.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list_sessions))
        .routes(routes!(search::search_sessions))
        .routes(routes!(messages::get_session_messages))
        .routes(routes!(summary::get_session_summary))
        .routes(routes!(timeline::get_session_timeline))
        .routes(routes!(diff::get_session_diff))
}
