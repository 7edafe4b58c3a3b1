//! How old an answer is, and whether a client's copy of it still is the answer.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponseParts, Response, ResponseParts};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::page::{PagePosition, TOTAL_COUNT};

/// As of when an answer is: requests that LiteLLM logged later are not in it.
pub const AS_OF: HeaderName = HeaderName::from_static("x-as-of");

/// How a client may keep an answer, as the handler says in what it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    /// Not at all: it may be another in a moment.
    NoStore,
    /// As a copy that it asks about each time: whoever polls is told whether something changed.
    Revalidate,
    /// As a copy that it asks about each time, if the answer is as of this instant or later: then what it is about is over.
    RevalidateAfter(DateTime<Utc>),
}

impl CachePolicy {
    /// Whether a client may keep an answer of this age.
    pub(crate) fn allows(self, as_of: DateTime<Utc>) -> bool {
        match self {
            Self::NoStore => false,
            Self::Revalidate => true,
            Self::RevalidateAfter(over) => over <= as_of,
        }
    }
}

impl IntoResponseParts for CachePolicy {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// What a client has of the answer it asks for.
#[derive(Debug, Default)]
pub struct Copies(Option<HeaderValue>);

impl Copies {
    /// Reads `If-None-Match`.
    #[must_use]
    pub fn of(headers: &http::HeaderMap) -> Self {
        Self(headers.get(header::IF_NONE_MATCH).cloned())
    }

    fn have(&self, tag: &str) -> bool {
        let Some(tags) = self.0.as_ref().and_then(|tags| tags.to_str().ok()) else { return false };
        // Whether a copy is the same by every byte does not matter for reading.
        tags.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
    }
}

/// Adds to a good answer as of when it is.
pub fn date(response: &mut Response, as_of: DateTime<Utc>) {
    if let Ok(value) = HeaderValue::from_str(&as_of.to_rfc3339_opts(SecondsFormat::Millis, true)) {
        response.headers_mut().insert(AS_OF, value);
    }
}

/// Gives a good answer that may be kept its tag, by what it says; a client that has it already is told so
/// instead. Requests can still come late or be altered, so a copy is asked about each time.
pub async fn revalidate(response: Response, copies: &Copies) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    let mut hash = Sha256::new();
    // Where the next page begins belongs to the answer. The cursor in the link also carries when the listing began.
    if let Some(PagePosition(position)) = parts.extensions.remove() {
        hash.update(position);
    }
    if let Some(total) = parts.headers.get(TOTAL_COUNT) {
        hash.update(total);
    }
    hash.update(&bytes);
    let tag = format!("\"{}\"", hex::encode(&hash.finalize()[..16]));
    // A weak one: it is of what the answer says, which may be sent compressed or not.
    if let Ok(value) = HeaderValue::from_str(&format!("W/{tag}")) {
        parts.headers.insert(header::ETAG, value);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if copies.have(&tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}
