//! Running a function's routes, or its job, on AWS Lambda.

mod gateway;

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::{LambdaRequest, RequestContext};
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
use crate::compression::{Compress, compress};
use crate::layers;
use crate::layers::REQUEST_ID;
use gateway::Arrival;

/// How long starting may wait for the first connection. A function that starts gets more of a processor than its memory
/// pays for, and nobody waits for it yet.
const WARM_UP: Duration = Duration::from_secs(1);
/// Lambda carries 6 MB, and in these JSON is a string: each of its quotes and backslashes counts twice. What is compressed is
/// in base64: three bytes count as four.
const LARGEST_ANSWER: u64 = 4_500_000;

/// Serves the routes until Lambda ends the environment: one request at a time, or as many at once as
/// `AWS_LAMBDA_MAX_CONCURRENCY` says.
///
/// What ends it earlier is in the log, in one line: a setting that is missing or wrong, which is named; or a fault of the
/// Lambda runtime.
pub async fn run(router: OpenApiRouter<AppState>) -> ExitCode {
    run_routes(router, Some(compress)).await
}

/// As [`run`], for a function whose package has no room for what compresses answers.
pub async fn run_uncompressed(router: OpenApiRouter<AppState>) -> ExitCode {
    run_routes(router, None).await
}

async fn run_routes(router: OpenApiRouter<AppState>, compress: Option<Compress>) -> ExitCode {
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
    (state.largest_answer, state.compress) = (Some(LARGEST_ANSWER), compress);
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
    if matches!(request.request_context_ref(), Some(RequestContext::ApiGatewayV1(_))) {
        // A REST API passes base64 on as it is, unless it is told which types are binary. It compresses by itself, where its
        // minimumCompressionSize says so.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
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
    // Text goes as it is; anything else is sent in base64, a third larger.
    let body = if parts.headers.contains_key(header::CONTENT_ENCODING) {
        Body::Binary(bytes.into())
    } else {
        String::from_utf8(bytes.into()).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text)
    };
    Ok(Response::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::routing::get;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use flate2::read::GzDecoder;
    use lambda_http::Context;
    use serde_json::{Value, json};

    use super::*;

    /// What the function answers to an event of a client that takes gzip.
    async fn answered(mut event: Value) -> Value {
        event["headers"] = json!({"host": "api.example.com", "accept-encoding": "gzip, br;q=0.5"});
        let large = |request: axum::extract::Request| async move {
            let accepted = request.headers().get(header::ACCEPT_ENCODING).cloned();
            compress(axum::response::Response::new("large ".repeat(500).into()), accepted).await
        };
        let router = Router::new().route("/large", get(large));
        let event: LambdaRequest = serde_json::from_value(event).expect("an event");
        let answer = invoke(router, LambdaEvent::new(event, Context::default())).await;
        let Ok(answer) = answer;
        serde_json::to_value(answer).expect("JSON")
    }

    #[tokio::test]
    async fn what_is_compressed_leaves_in_base64_where_the_gateway_decodes_that() {
        let http = json!({"method": "GET", "path": "/large", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"});
        let version_2 = json!({"version": "2.0", "routeKey": "$default", "rawPath": "/large", "rawQueryString": "",
            "isBase64Encoded": false, "requestContext": {"stage": "$default", "timeEpoch": 0, "http": http}});
        let balancer = json!({"httpMethod": "GET", "path": "/large", "queryStringParameters": {}, "body": "",
            "isBase64Encoded": false, "requestContext": {"elb": {"targetGroupArn": "arn"}}});
        for event in [version_2, balancer] {
            let answer = answered(event).await;
            assert_eq!(
                (&answer["isBase64Encoded"], &answer["headers"]["content-encoding"]),
                (&json!(true), &json!("gzip"))
            );
            let body = STANDARD.decode(answer["body"].as_str().expect("a text")).expect("base64");
            let mut text = String::new();
            GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
            assert_eq!(text, "large ".repeat(500));
        }
        let rest = json!({"resource": "/large", "path": "/large", "httpMethod": "GET", "isBase64Encoded": false,
            "requestContext": {"resourcePath": "/large", "stage": "prod", "path": "/large", "httpMethod": "GET", "identity": {}}});
        let answer = answered(rest).await;
        assert_eq!((&answer["isBase64Encoded"], &answer["body"]), (&json!(false), &json!("large ".repeat(500))));
    }
}
