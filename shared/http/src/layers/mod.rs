//! The layers around every router: ids, problems, deadlines, panics, limits.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, MatchedPath, OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use traceability_db::DbStats;
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::Answered;
use utoipa_axum::router::OpenApiRouter;

use super::body::MAX_BODY;
use super::caching::{self, Copies};
use super::error::{ApiError, Problem, SchemaChanged};
use super::request_context::RequestContext;
use super::state::AppState;
use crate::audit::{ContentRead, Outcome};

/// The header that carries a request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long an answer took, and how much of that in the database.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The service of a function: its routes with everything around them.
pub fn service(router: OpenApiRouter<AppState>, state: AppState) -> Router {
    guarded(router, state, |routes| routes)
}

/// The same with a guard before each route, also before those that do not exist. What the guard answers gets an id, a
/// problem's body and a line in the log like any other answer.
pub fn guarded(
    router: OpenApiRouter<AppState>,
    state: AppState,
    guard: impl FnOnce(Router<AppState>) -> Router<AppState>,
) -> Router {
    let (router, _) = router.split_for_parts();
    let inner = router
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked));
    guard(inner).layer(from_fn_with_state(state.clone(), around)).with_state(state)
}

/// What tells browsers to take an answer for nothing but what it says it is, and to show it in no page of others. The old
/// header is for those that do not know `frame-ancestors`.
const BROWSERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds the headers that protect a browser's user, unless the answer has stricter ones of its own.
pub fn protect_browsers(headers: &mut HeaderMap) {
    for (name, value) in BROWSERS {
        headers.entry(name).or_insert(value);
    }
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

    let copies = Copies::of(request.headers());
    let notes = RequestContext::default();
    request.extensions_mut().insert(notes.clone());
    let work = Arc::new(DbStats::default());
    let mut response = match too_long(&request) {
        Some(refused) => refused.into_response(),
        None => match timeout(state.deadline, work.scope(next.run(request))).await {
            Ok(response) => response,
            Err(_) => ApiError::DeadlineExceeded.into_response(),
        },
    };
    work.settle().await;
    if response.status() == StatusCode::OK && route.starts_with("/api/") {
        let as_of = work.as_of().unwrap_or_else(|| state.clock.now());
        caching::date(&mut response, as_of);
        if method == Method::GET && work.asked_until().is_some_and(|end| end <= as_of) {
            response = caching::revalidate(response, &copies).await;
        }
    }
    if let Some(size) = response.body().size_hint().exact()
        && state.largest_answer.is_some_and(|largest| size > largest)
    {
        response = too_large(size).into_response();
    }
    if let Err(error) = record(&state, &notes, &route, response.status(), &id) {
        response = ApiError::Unrecorded(error).into_response();
    }
    if response.status() == StatusCode::NOT_FOUND && response.extensions().get::<Problem>().is_none() {
        // The documentation's own pages have no words for a file that is not there.
        response = no_such_route(uri.clone()).await.into_response();
    }
    if response.extensions_mut().remove::<SchemaChanged>().is_some() {
        state.db.forget_facts().await;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let path: String = uri.path().chars().take(MAX_INSTANCE).collect();
        response = problem.render(response, &path, &id);
    }
    let hides = response.status() == StatusCode::NOT_FOUND && notes.is_scoped();
    if hides {
        on_the_beat(started).await;
    }
    let timing = Timing { total: started.elapsed(), database: work.duration() };
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, &id), (SERVER_TIMING, &timing.header(hides))] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    // Spend logs are personal data: no shared cache may keep an answer.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    protect_browsers(headers);
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
    /// As a `Server-Timing` header has it, in milliseconds; without the database's time where that could tell what the
    /// caller may not know.
    fn header(&self, hides: bool) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        if hides {
            return format!("total;dur={:.0}", ms(self.total));
        }
        format!("db;dur={:.3}, total;dur={:.3}", ms(self.database), ms(self.total))
    }
}

/// What is out of a caller's rows takes a little longer not to be found than what does not exist: the database looks at
/// it first. Such an answer therefore leaves on the beat, where the difference is not seen.
const BEAT: Duration = Duration::from_millis(20);

async fn on_the_beat(started: Instant) {
    let beats = started.elapsed().as_micros() / BEAT.as_micros() + 1;
    let until = BEAT.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX));
    tokio::time::sleep(until.saturating_sub(started.elapsed())).await;
}

/// What a request's headers may weigh, names included; API Gateway lets 10 KB through.
const MAX_HEADERS: usize = 32 * 1024;
/// How long an address may be: more than the longest cursor and every filter take.
const MAX_URI: usize = 32 * 1024;

/// How much of a path a problem repeats.
const MAX_INSTANCE: usize = 8 * 1024;

fn too_long(request: &Request) -> Option<ApiError> {
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

/// Writes a read of content to the audit log. An answer that cannot be recorded must not leave.
fn record(
    state: &AppState,
    notes: &RequestContext,
    route: &str,
    status: StatusCode,
    request_id: &str,
) -> io::Result<()> {
    let asked = notes.lock();
    let (Some(principal), Some(read)) = (&asked.principal, &asked.read) else { return Ok(()) };
    let outcome = match status.as_u16() {
        200..300 if read.rows == 0 && read.withheld > 0 => Outcome::Withheld,
        200..300 => Outcome::Read,
        404 => Outcome::NotFound,
        400..500 => Outcome::Refused,
        _ => Outcome::Failed,
    };
    let read = ContentRead {
        principal,
        route,
        session_id: read.session_id.as_deref(),
        request: read.request.as_deref(),
        rows: if outcome == Outcome::Read { read.rows } else { 0 },
        outcome,
        status: status.as_u16(),
        request_id,
    };
    state.audit.content_read(&read, state.clock.now())
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
