//! Health: whether the service and its database answer, and the API document.

mod docs;
mod health;
mod live;
mod root;

use traceability_http::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this function.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::get_health))
        .routes(routes!(live::get_liveness))
        .routes(routes!(root::get_root))
        .routes(routes!(docs::get_openapi))
        .merge(docs::pages())
}
