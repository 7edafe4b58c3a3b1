//! What a request and an answer may weigh.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// What a request's headers may weigh, names included; API Gateway lets 10 KB through.
const MAX_HEADERS: usize = 32 * 1024;
/// How long an address may be: more than the longest cursor and every filter take.
const MAX_URI: usize = 32 * 1024;

/// Why a request is refused before anything else looks at it; `None` where it is not.
pub(super) fn too_long(request: &Request) -> Option<ApiError> {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let uri = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if headers > MAX_HEADERS {
        Some(ApiError::HeadersTooLarge(format!("The headers must not have more than {MAX_HEADERS} bytes.")))
    } else if uri > MAX_URI {
        Some(ApiError::UriTooLong(format!(
            "The address must not have more than {MAX_URI} bytes. POST /api/v1/sessions/search takes filters in its body."
        )))
    } else {
        None
    }
}

/// The answer, or that it cannot be delivered.
pub(super) fn deliverable(response: Response, largest: Option<u64>) -> Response {
    match (response.body().size_hint().exact(), largest) {
        (Some(size), Some(largest)) if size > largest => ApiError::TooLarge(format!(
            "This answer has {size} bytes, more than can be delivered. Ask for fewer items, with limit."
        ))
        .into_response(),
        _ => response,
    }
}
