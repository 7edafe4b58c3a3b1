//! The layers around every router, from the outside to the inside: a request's id and the line in the log, headers, the
//! words of a problem, the audit, sizes, compression, the age of an answer, the deadline, panics.

mod audit;
mod browsers;
mod files;
mod limits;
mod request_id;
mod timing;

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use traceability_db::DbStats;
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::Answered;
use utoipa_axum::router::OpenApiRouter;

pub use self::browsers::protect_browsers;
pub use self::files::files;
pub use self::request_id::REQUEST_ID;
pub use self::timing::SERVER_TIMING;

use self::timing::Timing;
use super::body::MAX_BODY;
use super::caching::{self, CachePolicy, Copies};
use super::error::{ApiError, Problem, SchemaChanged};
use super::request_context::RequestContext;
use super::state::AppState;

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

/// One request and what is known of it while it is answered.
struct Exchange {
    state: AppState,
    started: Instant,
    id: String,
    method: Method,
    uri: Uri,
    route: String,
    copies: Copies,
    /// The encodings that the client takes.
    accepted: Option<HeaderValue>,
    context: RequestContext,
    stats: Arc<DbStats>,
}

/// Gives the request its id and its deadline, writes the body of a problem, and logs one line.
async fn around(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let exchange = Exchange::new(state, &mut request);
    let response = exchange.run(request, next).await;
    let response = exchange.dated(response).await;
    let response = match exchange.state.compress {
        Some(compress) => compress(response, exchange.accepted.clone()).await,
        None => response,
    };
    let response = limits::deliverable(response, exchange.state.largest_answer);
    let response = exchange.recorded(response);
    let response = exchange.in_words(response).await;
    exchange.finish(response).await
}

impl Exchange {
    fn new(state: AppState, request: &mut Request) -> Self {
        let started = Instant::now();
        let id = request_id::identify(request);
        let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
        let matched = request.extensions().get::<MatchedPath>();
        let route = matched.map_or("(none)".to_owned(), |path| path.as_str().to_owned());
        let context = RequestContext::default();
        request.extensions_mut().insert(context.clone());
        let (method, copies) = (request.method().clone(), Copies::of(request.headers()));
        let accepted = request.headers().get(header::ACCEPT_ENCODING).cloned();
        Self { state, started, id, method, uri, route, copies, accepted, context, stats: Arc::new(DbStats::default()) }
    }

    /// The handler's answer, if it comes in time. When it leaves, no statement goes on.
    async fn run(&self, request: Request, next: Next) -> Response {
        if let Some(refused) = limits::too_long(&request) {
            return refused.into_response();
        }
        let answered = timeout(self.state.deadline, self.stats.scope(next.run(request))).await;
        self.stats.settle().await;
        answered.unwrap_or_else(|_| ApiError::DeadlineExceeded.into_response())
    }

    /// Adds to a good answer as of when it is, and a tag where a client may keep it. Whoever has it already is told so.
    async fn dated(&self, mut response: Response) -> Response {
        let policy = response.extensions_mut().remove::<CachePolicy>();
        if response.status() != StatusCode::OK || !self.route.starts_with("/api/") {
            return response;
        }
        let as_of = self.stats.as_of().unwrap_or_else(|| self.state.clock.now());
        caching::date(&mut response, as_of);
        if self.method == Method::GET && policy.is_some_and(|policy| policy.allows(as_of)) {
            return caching::revalidate(response, &self.copies).await;
        }
        response
    }

    /// The answer, once a read of content is in the audit log: one that cannot be recorded must not leave.
    fn recorded(&self, response: Response) -> Response {
        match audit::record(&self.state, &self.context, &self.route, response.status(), &self.id) {
            Ok(()) => response,
            Err(error) => ApiError::Unrecorded(error).into_response(),
        }
    }

    /// The answer with the words of its problem, if it is one.
    async fn in_words(&self, mut response: Response) -> Response {
        if response.status() == StatusCode::NOT_FOUND && response.extensions().get::<Problem>().is_none() {
            // The documentation's own pages have no words for a file that is not there.
            response = no_such_route(self.uri.clone()).await.into_response();
        }
        if response.extensions_mut().remove::<SchemaChanged>().is_some() {
            self.state.db.forget_facts().await;
        }
        match response.extensions_mut().remove::<Problem>() {
            Some(problem) => {
                let path: String = self.uri.path().chars().take(MAX_INSTANCE).collect();
                problem.render(response, &path, &self.id)
            }
            None => response,
        }
    }

    /// Adds the headers that every answer has, and logs it.
    async fn finish(&self, mut response: Response) -> Response {
        let hides = response.status() == StatusCode::NOT_FOUND && self.context.is_scoped();
        if hides {
            timing::pad_to_quantum(self.started).await;
        }
        let timing = Timing { total: self.started.elapsed(), database: self.stats.duration() };
        let headers = response.headers_mut();
        for (name, value) in [(REQUEST_ID, &self.id), (SERVER_TIMING, &timing.header(hides))] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        // Spend logs are personal data: no shared cache may keep an answer.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
        protect_browsers(headers);
        telemetry::log_request(&Answered {
            method: self.method.as_str(),
            route: &self.route,
            status: response.status(),
            latency: timing.total,
            database: timing.database,
            rows: self.stats.rows(),
            request_id: &self.id,
        });
        response
    }
}

/// How much of a path a problem repeats.
const MAX_INSTANCE: usize = 8 * 1024;
