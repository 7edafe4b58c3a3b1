//! `GET /health`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use traceability::access::Scope;
use traceability::api::params::NoQuery;
use traceability::api::{ApiError, ApiResult, AppState, Problem};
use traceability::db::{Session, urgently};
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
    /// How far the index of the log is; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<IndexHealth>,
    /// Why the service is unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// The index's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexHealth {
    /// `ready`, or `behind` by more than ten minutes; `filling` while it does not have all of the log yet, which answers
    /// still come from.
    #[schema(example = "ready")]
    state: &'static str,
    /// The requests that the log held at this instant are in the index; null while it is filled, or where one has to log in.
    as_of: Option<DateTime<Utc>>,
    /// How many seconds ago that was; null while it is filled.
    #[schema(example = 42)]
    lag_seconds: Option<i64>,
}

/// An index is behind after ten runs of the indexer that did not come to their end.
const BEHIND: TimeDelta = TimeDelta::minutes(10);

/// Check health
///
/// 200 if the log can be read, 503 if not; always within two seconds. An index that is behind is no reason for 503: the
/// answers are right as of its time.
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
    let unhealthy = |error| Health {
        status: "unhealthy",
        database: "unavailable",
        newest_request: None,
        index: None,
        error: Some(error),
    };
    let (status, health) = match timeout(PATIENCE, urgently(look(&state))).await {
        Ok(Ok(health)) => (StatusCode::OK, health),
        Ok(Err(error)) => {
            error.log();
            (StatusCode::SERVICE_UNAVAILABLE, unhealthy("LiteLLM's log cannot be read; the service's log says why"))
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, unhealthy("the database did not answer in time")),
    };
    (status, Json(health)).into_response()
}

async fn look(state: &AppState) -> ApiResult<Health> {
    let mut db = state.db.session().await.map_err(ApiError::from)?;
    let source = Source { facts: &db.facts, scope: &Scope::AllRows };
    let newest = health::newest_request(&mut db.conn, source).await?;
    let is_open = state.access.is_open();
    Ok(Health {
        status: "healthy",
        database: "connected",
        newest_request: newest.filter(|_| is_open),
        index: index(&db, state.clock.now(), is_open),
        error: None,
    })
}

fn index(db: &Session, now: DateTime<Utc>, is_open: bool) -> Option<IndexHealth> {
    let Some(index) = db.facts.index() else {
        return db.has_index.then_some(IndexHealth { state: "filling", as_of: None, lag_seconds: None });
    };
    // The two clocks are of two machines.
    let lag = (now - index.as_of).max(TimeDelta::zero());
    let state = if lag > BEHIND { "behind" } else { "ready" };
    Some(IndexHealth { state, as_of: Some(index.as_of).filter(|_| is_open), lag_seconds: Some(lag.num_seconds()) })
}
