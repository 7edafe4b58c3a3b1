//! The id of a request, by which client, log and audit speak of the same one.

use axum::extract::Request;
use http::{HeaderName, HeaderValue};

/// The header that carries a request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, in its header too, and returns it: the client's own, where it can be a header and a log field,
/// or else a new one.
pub(super) fn identify(request: &mut Request) -> String {
    let client = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = match client {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    id
}
