//! The layers around every router: ids, problems, deadlines, panics, limits.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, MatchedPath, OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use super::body::MAX_BODY;
use super::error::{ApiError, Problem, SchemaChanged};
use super::state::AppState;
use crate::db::Work;
use crate::telemetry::{self, Answered};

/// The header that carries a request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long an answer took, and how much of that in the database.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The service of a function: its routes with everything around them.
pub fn service(router: OpenApiRouter<AppState>, state: AppState) -> Router {
    let (router, _) = router.split_for_parts();
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), around))
        .with_state(state)
}

async fn no_such_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::NotFound(format!("There is no {path} here. /docs lists every endpoint."))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::MethodNotAllowed(format!("{path} does not answer {method}; the Allow header says what it does answer."))
}

fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    // A panic's text may quote data, so it is told apart from others by its kind alone.
    drop(cause);
    ApiError::Internal("a handler panicked".into()).into_response()
}

/// Gives the request its id and its deadline, writes the body of a problem, and logs one line.
async fn around(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let method = request.method().clone();
    let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("(none)".to_owned(), |path| path.as_str().to_owned());

    let work = Arc::new(Work::default());
    let mut response = match timeout(state.deadline, work.scope(next.run(request))).await {
        Ok(response) => response,
        Err(_) => ApiError::DeadlineExceeded.into_response(),
    };
    work.settle().await;
    if let Some(size) = response.body().size_hint().exact()
        && state.largest_answer.is_some_and(|largest| size > largest)
    {
        response = too_large(size).into_response();
    }
    if response.status() == StatusCode::NOT_FOUND && response.extensions().get::<Problem>().is_none() {
        // The documentation's own pages have no words for a file that is not there.
        response = no_such_route(uri.clone()).await.into_response();
    }
    if response.extensions_mut().remove::<SchemaChanged>().is_some() {
        state.db.forget_facts().await;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(response, uri.path(), &id);
    }
    let timing = Timing { total: started.elapsed(), database: work.duration() };
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, &id), (SERVER_TIMING, &timing.header())] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    // Spend logs are personal data: no shared cache may keep an answer.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    telemetry::log_request(&Answered {
        method: method.as_str(),
        route: &route,
        status: response.status(),
        latency: timing.total,
        database: timing.database,
        rows: work.rows(),
        request_id: &id,
    });
    response
}

/// How long an answer took, for the client's own measurements.
struct Timing {
    total: Duration,
    database: Duration,
}

impl Timing {
    /// As a `Server-Timing` header has it, in milliseconds.
    fn header(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        format!("db;dur={:.3}, total;dur={:.3}", ms(self.database), ms(self.total))
    }
}

fn too_large(size: u64) -> ApiError {
    ApiError::TooLarge(format!(
        "This answer has {size} bytes, more than can be delivered. Ask for fewer items, with limit."
    ))
}

/// The client's own id, where it can be a header and a log field, or else a new one.
fn request_id(request: &Request) -> String {
    let client = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match client {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}
