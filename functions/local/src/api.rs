//! The whole API: every function's routes, and the document that describes them.

use traceability_http::{AppState, openapi};
use utoipa_axum::router::OpenApiRouter;

/// Every function's routes.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(sessions::router())
        .merge(analytics::router())
        .merge(requests::router())
        .merge(reports::router())
        .merge(health::router())
}

/// The API document, as it is committed in the health function.
///
/// # Errors
/// Never in practice: the document is plain data.
pub fn document() -> serde_json::Result<String> {
    let mut json = serde_json::to_string_pretty(&openapi::document(router()))?;
    json.push('\n');
    Ok(json)
}
