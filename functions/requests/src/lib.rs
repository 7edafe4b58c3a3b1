//! Requests: a list of them, one in full, and what was said in it; and who is asking.

mod detail;
mod list;
mod me;
mod messages;

use traceability_http::{ApiError, AppState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this function.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list_requests))
        .routes(routes!(detail::get_request))
        .routes(routes!(messages::get_request_messages))
        .routes(routes!(me::get_me))
}

/// The answer for a request that does not exist.
fn no_such_request() -> ApiError {
    ApiError::NotFound("There is no request with this id or call id.".into())
}
