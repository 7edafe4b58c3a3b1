//! `GET /health`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use traceability::access::Scope;
use traceability::api::params::NoQuery;
use traceability::api::{ApiError, ApiResult, AppState, Problem};
use traceability::queries::{Source, health};
use utoipa::ToSchema;

/// Within this time there is an answer, whatever the database does.
const PATIENCE: Duration = Duration::from_millis(1_600);

/// The service's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// `connected` or `unavailable`.
    #[schema(example = "connected")]
    database: &'static str,
    /// When the newest request in the log started; null for an empty log, or without a database, or where one has to log
    /// in: this answer is for everybody.
    newest_request: Option<DateTime<Utc>>,
    /// Why the service is unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Check health
///
/// 200 if the log can be read, 503 if not; always within two seconds.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses(
        (status = 200, description = "The log can be read", body = Health),
        (status = 503, description = "The log cannot be read", body = Health),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_health(State(state): State<AppState>, _: NoQuery) -> Response {
    let unhealthy =
        |error| Health { status: "unhealthy", database: "unavailable", newest_request: None, error: Some(error) };
    let (status, health) = match timeout(PATIENCE, newest_request(&state)).await {
        Ok(Ok(newest_request)) => {
            (StatusCode::OK, Health { status: "healthy", database: "connected", newest_request, error: None })
        }
        Ok(Err(error)) => {
            error.log();
            (StatusCode::SERVICE_UNAVAILABLE, unhealthy("LiteLLM's log cannot be read; the service's log says why"))
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, unhealthy("the database did not answer in time")),
    };
    (status, Json(health)).into_response()
}

async fn newest_request(state: &AppState) -> ApiResult<Option<DateTime<Utc>>> {
    let mut db = state.db.session().await.map_err(ApiError::from)?;
    let source = Source { facts: &db.facts, scope: &Scope::AllRows };
    let newest = health::newest_request(&mut db.conn, source).await?;
    Ok(newest.filter(|_| state.access.is_open()))
}
