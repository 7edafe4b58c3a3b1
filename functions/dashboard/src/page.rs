//! `GET /dashboard`, `/dashboard/config.json` and the page's files

use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use traceability_http::ApiError;

use crate::assets::{self, Asset};
use crate::headers;
use crate::settings::Dashboard;

/// The page with what its settings make of it.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    dashboard: Dashboard,
    policy: HeaderValue,
}

impl Page {
    pub(crate) fn new(dashboard: &Dashboard) -> Self {
        Self { dashboard: dashboard.clone(), policy: headers::policy(dashboard) }
    }

    /// The page, whichever of its addresses was asked for. A browser asks each time whether its copy still is the page.
    pub(crate) fn index(&self, request: &HeaderMap) -> Response {
        let Some(page) = assets::find("index.html", request) else { return missing() };
        let tag = format!("\"{}\"", hex::encode(&page.hash[..16]));
        let has_copy = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .any(|one| one.trim().trim_start_matches("W/") == tag);
        let mut response = if has_copy { StatusCode::NOT_MODIFIED.into_response() } else { file(page) };
        let answered = response.headers_mut();
        answered.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answered.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        answered.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            answered.insert(header::ETAG, tag);
        }
        headers::protect(answered);
        response
    }

    /// What the page has to know before anybody has logged in.
    pub(crate) fn config(&self) -> Response {
        let mut response = Json(&self.dashboard).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers::protect(response.headers_mut());
        response
    }
}

/// A file with a hash of its content in its name: it never changes.
pub(crate) async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    kept(&format!("assets/{name}"), &request, "public, max-age=31536000, immutable")
}

/// The page's icon, whose name stays the same.
pub(crate) async fn icon(request: HeaderMap) -> Response {
    kept("icon.svg", &request, "public, max-age=86400")
}

fn kept(name: &str, request: &HeaderMap, how_long: &'static str) -> Response {
    let Some(found) = assets::find(name, request) else { return missing() };
    let mut response = file(found);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(how_long));
    response
}

fn file(asset: Asset) -> Response {
    let mut response = Response::new(Body::from(asset.content.into_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = asset.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers::protect(headers);
    response
}

fn missing() -> Response {
    ApiError::NotFound("The dashboard has no such file. Load the page again: it may be of an earlier version.".into())
        .into_response()
}
