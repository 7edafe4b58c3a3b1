//! Running a function's routes, or its job, on AWS Lambda.

mod gateway;

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use http::{HeaderValue, Response, StatusCode};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Request, RequestExt, Service, service_fn};
use serde::Serialize;
use tower::ServiceExt;
use traceability_access::Exposure;
use traceability_core::environment::{ConfigError, Environment};
use traceability_db::DbStats;
use traceability_db::config::DatabaseConfig;
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::LogFormat;
use utoipa_axum::router::OpenApiRouter;

use crate::AppState;
use crate::caller::GatewayClaims;
use crate::layers;
use crate::layers::REQUEST_ID;
use gateway::Arrival;

/// How long starting may wait for the first connection. A function that starts gets more of a processor than its memory
/// pays for, and nobody waits for it yet.
const WARM_UP: Duration = Duration::from_secs(1);
/// Lambda carries 6 MB, and in these JSON is a string: each of its quotes and backslashes counts twice.
const LARGEST_ANSWER: u64 = 4_500_000;

/// Serves the routes until Lambda ends the environment: one request at a time, or as many at once as
/// `AWS_LAMBDA_MAX_CONCURRENCY` says.
///
/// What ends it earlier is in the log, in one line: a setting that is missing or wrong, which is named; or a fault of the
/// Lambda runtime.
pub async fn run(router: OpenApiRouter<AppState>) -> ExitCode {
    let environment = Environment::of_process();
    telemetry::start(LogFormat::json(&environment), &environment);
    let state = telemetry::wants_metrics(&environment)
        .and_then(|_| DatabaseConfig::from_environment(&environment))
        .and_then(|config| AppState::new(&config, &environment, Exposure::Network));
    let mut state = match state {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(setting = error.name, "{error}");
            return ExitCode::FAILURE;
        }
    };
    state.largest_answer = Some(LARGEST_ANSWER);
    // The function starts all the same where this fails: its first request says why, and the database may come up.
    let _ = tokio::time::timeout(WARM_UP, DbStats::settled(state.db.connect())).await;
    serve(layers::service(router, state)).await
}

/// Serves routes that hand out files and have no database, until Lambda ends the environment. `routes` makes them from the
/// settings; one that cannot be used ends it with a line in the log.
pub async fn run_files<F>(routes: F) -> ExitCode
where
    F: FnOnce(&Environment) -> Result<OpenApiRouter, ConfigError>,
{
    let environment = Environment::of_process();
    telemetry::start(LogFormat::json(&environment), &environment);
    match telemetry::wants_metrics(&environment).and_then(|_| routes(&environment)) {
        Ok(routes) => serve(layers::files(routes)).await,
        Err(error) => {
            tracing::error!(setting = error.name, "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(service: Router) -> ExitCode {
    match lambda_runtime::run_concurrent(service_fn(move |event| invoke(service.clone(), event))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers one invocation.
async fn invoke(service: Router, mut event: LambdaEvent<LambdaRequest>) -> Result<impl Serialize + Send, Infallible> {
    let arrival = gateway::arrive(&mut event.payload);
    let adapter = service_fn(move |request| answer(service.clone(), arrival.clone(), request));
    Adapter::from(adapter).call(event).await
}

/// Concurrent invocations want a response that threads can share, which a stream is not; Lambda sends it as one piece
/// anyway.
async fn answer(service: Router, arrival: Arrival, mut request: Request) -> Result<Response<Body>, Infallible> {
    arrival.keep_client_path(&mut request);
    if let Some(claims) = request.request_context_ref().and_then(gateway::verified_claims) {
        request.extensions_mut().insert(GatewayClaims(claims));
    }
    if !request.headers().contains_key(REQUEST_ID) {
        // So that a line of the gateway's log and one of ours can be told to belong together.
        let id = arrival.request_id.or_else(|| request.lambda_context_ref().map(|context| context.request_id.clone()));
        if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
            request.headers_mut().insert(REQUEST_ID, id);
        }
    }
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
