//! `GET /api/v1/me`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use traceability_access::{ContentRight, Login, Principal};
use traceability_core::scope::Scope;
use traceability_core::time::MAX_DAYS;
use traceability_http::page::MAX_PAGE;
use traceability_http::params::NoQuery;
use traceability_http::{ApiResult, AppState, Caller, Problem, VERSION};
use utoipa::ToSchema;

/// Which rows a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Rows {
    /// Every row of the log.
    All,
    /// Those of `user_ids`, `team_ids` and `agents`.
    Own,
}

/// Of which of the rows it sees a caller may read the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ContentRows {
    /// Of all.
    All,
    /// Of those that the caller's own LiteLLM user made.
    Own,
    /// Of none.
    None,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnswerSource {
    /// LiteLLM's own table.
    Log,
    /// The index of it.
    Index,
}

/// Who is calling, and what this service gives them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// LiteLLM's user, the service key's name, or the token's subject; null without a login.
    #[schema(required = true)]
    name: Option<String>,
    /// Of a LiteLLM key its alias, or the first characters of its hash.
    #[schema(required = true)]
    key: Option<String>,
    /// How the caller logged in.
    #[schema(value_type = String, example = "litellm_key")]
    login: Login,
    /// Which rows the caller sees.
    rows: Rows,
    /// The LiteLLM users whose rows the caller sees; empty where `rows` is `all`.
    user_ids: Vec<String>,
    /// The teams whose rows the caller sees; empty where `rows` is `all`.
    team_ids: Vec<String>,
    /// The agents whose rows the caller sees; empty where `rows` is `all`.
    agents: Vec<String>,
    /// Whether the caller may read the content of any row.
    content: bool,
    /// Of which of the rows.
    content_rows: ContentRows,
    /// What is replaced in content before it leaves, such as `email`; empty if nothing is.
    redaction: Vec<String>,
    /// The service.
    service: Service,
    /// What an answer can be at most.
    limits: Limits,
}

/// The service that answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Service {
    /// Its version.
    version: &'static str,
    /// The time zone in which days begin where no `timezone` is given.
    timezone: &'static str,
    /// What answers.
    source: AnswerSource,
    /// Until when the index has all of the log; null where the log itself answers.
    #[schema(required = true)]
    as_of: Option<DateTime<Utc>>,
}

/// What an answer can be at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limits {
    /// Items on a page.
    page_items: u32,
    /// Days in a window.
    window_days: u32,
    /// Seconds until the service gives up.
    deadline_seconds: f64,
    /// Bytes of an answer as it is sent; null where nothing in between limits it.
    #[schema(required = true)]
    answer_bytes: Option<u64>,
}

/// Get the caller
///
/// Who is calling, how they logged in, which rows they see and whether they may read content; and the service's version,
/// source and limits.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "me",
    responses(
        (status = 200, description = "The caller", body = Me),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_me(State(state): State<AppState>, caller: Caller, _: NoQuery) -> ApiResult<Json<Me>> {
    let db = state.db.look_up().await?;
    let Principal { login, name, key, scope, content } = caller.principal();
    let (rows, own) = match scope {
        Scope::AllRows => (Rows::All, None),
        Scope::Own(own) => (Rows::Own, Some(own)),
    };
    let content_rows = match content {
        ContentRight::All => ContentRows::All,
        ContentRight::OfUser(_) => ContentRows::Own,
        ContentRight::None => ContentRows::None,
    };
    let as_of = db.facts.as_of();
    Ok(Json(Me {
        name: Some(name.clone()).filter(|_| *login != Login::Anonymous),
        key: key.clone(),
        login: *login,
        rows,
        user_ids: own.map(|own| own.users().to_vec()).unwrap_or_default(),
        team_ids: own.map(|own| own.teams().to_vec()).unwrap_or_default(),
        agents: own.map(|own| own.agents().to_vec()).unwrap_or_default(),
        content: content_rows != ContentRows::None,
        content_rows,
        redaction: state.redaction.names(),
        service: Service {
            version: VERSION,
            timezone: "UTC",
            source: if as_of.is_some() { AnswerSource::Index } else { AnswerSource::Log },
            as_of,
        },
        limits: Limits {
            page_items: MAX_PAGE,
            window_days: MAX_DAYS,
            deadline_seconds: state.deadline.as_secs_f64(),
            answer_bytes: state.largest_answer,
        },
    }))
}
