//! Answers are sent compressed to clients that say they take that.
//!
//! Compression tells by an answer's size whether texts in it are alike (BREACH). Whoever wants to make use of that has to have
//! somebody else's browser ask for an answer with both a secret and a text of theirs in it. Nothing of this service can be
//! asked so: it takes no cookies, and a key or a token is in a header, which no other page can have a browser send. Problems
//! are not compressed: what is out of a caller's rows gets, byte for byte, the answer of what does not exist.

use std::convert::Infallible;
use std::future::ready;

use axum::body::{Body, HttpBody, to_bytes};
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Up to this size in bytes an answer fits into one packet, with its headers.
const SMALLEST: u64 = 1024;

/// The answer, compressed if it is large enough and the client takes that, as a whole: what carries it may want to know its
/// size. It is compressed quickly rather than well: an answer is sent once.
pub(crate) async fn compressed(response: Response, accepted: Option<HeaderValue>) -> Response {
    if response.status() != StatusCode::OK || response.body().size_hint().upper().is_some_and(|size| size <= SMALLEST) {
        return response;
    }
    let mut request = Request::new(Body::empty());
    if let Some(accepted) = accepted {
        request.headers_mut().append(header::ACCEPT_ENCODING, accepted);
        // Who takes nothing else gets the answer as it is.
        request.headers_mut().append(header::ACCEPT_ENCODING, HeaderValue::from_static("identity;q=0.001"));
    }
    let mut response = Some(response);
    let answer = service_fn(move |_| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    let layer = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(SMALLEST).and(NotForContentType::IMAGES));
    let response = match layer.layer(answer).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if !response.headers().contains_key(header::CONTENT_ENCODING) {
        return response.map(Body::new);
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(Body::new(body), usize::MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    Response::from_parts(parts, Body::from(bytes))
}
