//! The pages of a list, asked for one after the other as the caller would.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use traceability_http::formats::{self, FORMAT};
use traceability_http::page::NEXT_CURSOR;

/// What is waited before a page is asked for again that the server could not answer.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// A page in the middle of an export that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("a page was answered with {0}")]
pub(super) struct MissingPage(StatusCode);

/// What asks for pages: the same request each time, in all but the cursor.
pub(super) struct Pages {
    next: Next,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Pages {
    /// For the rows that this request asks for, so many at a time.
    pub(super) fn new(request: &Request, page: Option<u32>, next: Next) -> Self {
        let uri = formats::without(request.uri(), &[FORMAT]).unwrap_or_else(|| request.uri().clone());
        let uri = page.map_or_else(|| uri.clone(), |page| with(&uri, "limit", &page.to_string()));
        let mut headers = request.headers().clone();
        // A page is read here, as a whole and as it is.
        for name in [header::ACCEPT_ENCODING, header::IF_NONE_MATCH, header::RANGE] {
            headers.remove(name);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Self { next, uri, headers, extensions: request.extensions().clone() }
    }

    /// The first page's answer, whatever it is.
    pub(super) async fn first(&self) -> Response {
        self.ask(None).await
    }

    /// A page after another.
    pub(super) async fn after(&self, cursor: &HeaderValue) -> Result<(Bytes, Option<HeaderValue>), MissingPage> {
        let mut pauses = PAUSES.iter();
        loop {
            let response = self.ask(Some(cursor)).await;
            let is_passing = matches!(response.status().as_u16(), 429 | 503 | 504);
            match pauses.next().filter(|_| is_passing) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return read(response).await,
            }
        }
    }

    async fn ask(&self, cursor: Option<&HeaderValue>) -> Response {
        let cursor = cursor.and_then(|cursor| cursor.to_str().ok());
        let uri = cursor.map_or_else(|| self.uri.clone(), |cursor| with(&self.uri, "cursor", cursor));
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::GET;
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        request.extensions_mut().insert(OriginalUri(uri.clone()));
        *request.uri_mut() = uri;
        self.next.clone().run(request).await
    }
}

/// The body of a page, and the cursor of the next one.
pub(super) async fn read(response: Response) -> Result<(Bytes, Option<HeaderValue>), MissingPage> {
    let (parts, body) = response.into_parts();
    if parts.status != StatusCode::OK {
        return Err(MissingPage(parts.status));
    }
    let body = to_bytes(body, usize::MAX).await.map_err(|_| MissingPage(StatusCode::INTERNAL_SERVER_ERROR))?;
    Ok((body, parts.headers.get(NEXT_CURSOR).cloned()))
}

/// The address with a further parameter, whose value needs no encoding.
fn with(uri: &Uri, name: &str, value: &str) -> Uri {
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{target}{separator}{name}={value}").parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
