//! Running a function's routes on AWS Lambda.

use std::convert::Infallible;

use axum::Router;
use axum::body::to_bytes;
use http::{Response, StatusCode};
use lambda_http::{Body, Error, Request, run_concurrent, service_fn};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::api::{AppState, layers};
use crate::config::{DatabaseConfig, Environment};
use crate::telemetry::{self, LogFormat};

/// Serves the routes until Lambda ends the environment: one request at a time, or as many at once as
/// `AWS_LAMBDA_MAX_CONCURRENCY` says.
///
/// # Errors
/// A setting that is missing or wrong, named in the one line that is logged; or a fault of the Lambda runtime.
pub async fn run(router: OpenApiRouter<AppState>) -> Result<(), Error> {
    telemetry::start(LogFormat::Json, false);
    let state = DatabaseConfig::from_environment(&Environment::of_process())
        .and_then(|config| AppState::new(&config))
        .inspect_err(|error| tracing::error!(setting = error.name, "{error}"))?;
    let service = layers::service(router, state);
    run_concurrent(service_fn(move |request| answer(service.clone(), request))).await
}

/// Concurrent invocations want a response that threads can share, which a stream is not; Lambda sends it as one piece
/// anyway.
async fn answer(service: Router, request: Request) -> Result<Response<Body>, Infallible> {
    let response = match service.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(Response::from_parts(parts, Body::Empty));
    };
    // Text goes as it is; anything else would be sent in base64, a third larger.
    let body = String::from_utf8(bytes.into()).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
    Ok(Response::from_parts(parts, body))
}
