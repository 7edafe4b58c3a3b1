//! The layers around routes that hand out files: a request's id, the words of a problem, headers and the line in the log.
//! There is no database to wait for and nobody to log in.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::Answered;
use utoipa_axum::router::OpenApiRouter;

use super::{MAX_INSTANCE, REQUEST_ID, limits, no_such_route, protect_browsers, request_id, wrong_method};
use crate::error::Problem;

/// The service of a function that only has files.
pub fn files(router: OpenApiRouter) -> Router {
    let (router, _) = router.split_for_parts();
    router.fallback(no_such_route).method_not_allowed_fallback(wrong_method).layer(from_fn(around))
}

async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::identify(&mut request);
    let (method, path) =
        (request.method().clone(), request.uri().path().chars().take(MAX_INSTANCE).collect::<String>());
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("(none)".to_owned(), |path| path.as_str().to_owned());
    let mut response = match limits::too_long(&request) {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(response, &path, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    protect_browsers(response.headers_mut());
    telemetry::log_request(&Answered {
        method: method.as_str(),
        route: &route,
        status: response.status(),
        latency: started.elapsed(),
        database: Duration::ZERO,
        rows: 0,
        request_id: &id,
    });
    response
}
