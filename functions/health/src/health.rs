//! `GET /health`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_db::urgently;
use traceability_http::params::NoQuery;
use traceability_http::{ApiError, ApiResult, AppState, Problem};
use traceability_queries::source::SourceConnection;
use traceability_queries::{Source, health};
use utoipa::ToSchema;

/// Within this time there is an answer, whatever the database does.
const TIMEOUT: Duration = Duration::from_millis(1_600);

/// The service's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// LiteLLM's database: `connected` or `unavailable`.
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
    /// still come from; `unavailable` while its database, where it is another than LiteLLM's, cannot be read.
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
/// 200 if the log can be read, and the database of the index where it has one of its own; 503 if not, with the one that
/// cannot be. Always within two seconds. An index that is behind is no reason for 503: the answers are right as of its
/// time.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses(
        (status = 200, description = "The databases can be read", body = Health),
        (status = 503, description = "A database cannot be read", body = Health),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_health(State(state): State<AppState>, _: NoQuery) -> Response {
    // Each with its own time: the one that hangs is not to hide the other.
    let (answers, log) =
        tokio::join!(timeout(TIMEOUT, urgently(look(&state))), timeout(TIMEOUT, urgently(look_at_log(&state))));
    let (mut fault, mut health) = (None, Health::unknown());
    match answers {
        Ok(Ok(found)) => health = found,
        Ok(Err(error)) => {
            error.log();
            fault = Some(if is_of_index(&error) { Fault::Index } else { Fault::Log });
        }
        // Where the log answers by itself, it is the other one that does not.
        Err(_) if matches!(log, Ok(Ok(Looked::Apart))) => fault = Some(Fault::SlowIndex),
        Err(_) => fault = Some(Fault::Slow),
    }
    match log {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            error.log();
            fault = Some(if fault == Some(Fault::Index) { Fault::Both } else { Fault::Log });
        }
        Err(_) => fault = Some(fault.filter(|fault| *fault == Fault::Index).map_or(Fault::Slow, |_| Fault::Both)),
    }
    let Some(fault) = fault else { return Json(health).into_response() };
    (StatusCode::SERVICE_UNAVAILABLE, Json(health.with(fault))).into_response()
}

/// What keeps the service from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Log,
    Index,
    Both,
    Slow,
    SlowIndex,
}

impl Fault {
    const fn text(self) -> &'static str {
        match self {
            Self::Log => "LiteLLM's log cannot be read; the service's log says why",
            Self::Index => "the database of the index cannot be read; the service's log says why",
            Self::Both => "neither LiteLLM's log nor the database of the index can be read; the service's log says why",
            Self::Slow => "the database did not answer in time",
            Self::SlowIndex => "the database of the index did not answer in time",
        }
    }
}

impl Health {
    /// Before anything is known.
    const fn unknown() -> Self {
        Self { status: "healthy", database: "connected", newest_request: None, index: None, error: None }
    }

    fn with(self, fault: Fault) -> Self {
        let index_is_away = matches!(fault, Fault::Index | Fault::Both | Fault::SlowIndex);
        let away = IndexHealth { state: "unavailable", as_of: None, lag_seconds: None };
        Self {
            status: "unhealthy",
            database: if matches!(fault, Fault::Index | Fault::SlowIndex) { "connected" } else { "unavailable" },
            newest_request: None,
            index: if index_is_away { Some(away) } else { self.index },
            error: Some(fault.text()),
        }
    }
}

const fn is_of_index(error: &ApiError) -> bool {
    matches!(error, ApiError::RequestSource(DbError::IndexDatabase(_)))
}

/// Whether LiteLLM's log was looked at by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// Yes: the index is in another database.
    Apart,
    /// No: whatever answers is in the same database.
    Along,
}

async fn look_at_log(state: &AppState) -> ApiResult<Looked> {
    if !state.db.has_apart_index() {
        return Ok(Looked::Along);
    }
    let mut db = state.db.log().await?;
    let source = Source { facts: &db.facts, scope: &Scope::AllRows };
    health::newest_request(&mut db.conn, source).await?;
    Ok(Looked::Apart)
}

async fn look(state: &AppState) -> ApiResult<Health> {
    let mut db = state.db.connect().await.map_err(ApiError::from)?;
    let source = Source { facts: &db.facts, scope: &Scope::AllRows };
    let newest = health::newest_request(&mut db.conn, source).await?;
    let is_open = state.access.is_open();
    Ok(Health {
        newest_request: newest.filter(|_| is_open),
        index: index(&db, state.clock.now(), is_open),
        ..Health::unknown()
    })
}

fn index(db: &SourceConnection, now: DateTime<Utc>, is_open: bool) -> Option<IndexHealth> {
    let Some(as_of) = db.facts.as_of() else {
        return db.has_index.then_some(IndexHealth { state: "filling", as_of: None, lag_seconds: None });
    };
    // The two clocks are of two machines.
    let lag = (now - as_of).max(TimeDelta::zero());
    let state = if lag > BEHIND { "behind" } else { "ready" };
    Some(IndexHealth { state, as_of: Some(as_of).filter(|_| is_open), lag_seconds: Some(lag.num_seconds()) })
}
