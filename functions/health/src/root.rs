//! `GET /`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use traceability_http::params::NoQuery;
use traceability_http::state::Dashboard;
use traceability_http::{AppState, Problem};
use utoipa::ToSchema;

/// Where things are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Root {
    /// The service's name.
    #[schema(example = "LLM Traceability API")]
    message: &'static str,
    /// The interactive documentation.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// The health check.
    #[schema(example = "/health")]
    health: &'static str,
}

/// Say what this is
///
/// The service's name, and where to go on. Browsers are redirected to the dashboard, where there is one.
#[utoipa::path(
    get,
    path = "/",
    tag = "health",
    responses(
        (status = 200, description = "The service", body = Root),
        (status = 303, description = "The dashboard, for a client that prefers HTML"),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_root(State(state): State<AppState>, headers: HeaderMap, _: NoQuery) -> Response {
    let is_browser = state.dashboard == Dashboard::Served && prefers_html(&headers);
    let mut response = if is_browser {
        Redirect::to("/dashboard").into_response()
    } else {
        Json(Root { message: "LLM Traceability API", docs: "/docs", health: "/health" }).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether HTML comes before JSON and before anything at all, as browsers have it.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let first = accept.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
    let mut known = first.filter(|kind| matches!(*kind, "text/html" | "application/json" | "*/*"));
    known.next() == Some("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_want_a_page() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("*/*", false),
            ("application/json, text/html", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
    }
}
