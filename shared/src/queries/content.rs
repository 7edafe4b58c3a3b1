//! The stored prompts and responses of single requests.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::Source;
use super::filter::utc;
use super::requests::RequestPosition;
use crate::content::StoredContent;
use crate::db::Connection;
use crate::facts::content::CONTENT_COLUMNS;
use crate::facts::{Fact, Rows};

/// One request with what LiteLLM stored of its content.
#[derive(Debug, FromRow)]
pub struct ContentRow {
    /// The request.
    pub request_id: String,
    /// The session; the request's own id where none was stored.
    pub session_id: String,
    /// The LiteLLM user who owns the key, if there is one.
    pub owner: Option<String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The deployed model.
    pub model: String,
    /// The model's public name.
    pub model_group: Option<String>,
    /// LiteLLM's call type.
    pub call_type: Option<String>,
    /// `success` or `failure`.
    pub status: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the completion.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub cost: f64,
    /// Milliseconds from start to end.
    pub duration_ms: i64,
    /// Whether LiteLLM's own response cache answered.
    pub cache_hit: bool,
    /// Tool calls.
    pub tool_calls: i64,
    /// Characters of the stored prompt, as JSON; 0 if none is stored.
    pub prompt_length: i64,
    /// Characters of the stored response, as JSON; 0 if none is stored.
    pub response_length: i64,
    messages: Option<Json<Box<RawValue>>>,
    proxy_server_request: Option<Json<Box<RawValue>>>,
    response: Option<Json<Box<RawValue>>>,
    logged_request: Option<String>,
    mcp_tool_call: Option<Json<Box<RawValue>>>,
    cold_storage_object_key: Option<String>,
    error_information: Option<Json<Box<RawValue>>>,
}

const FACTS: [Fact; 15] = [
    Fact::RequestId,
    Fact::SessionId,
    Fact::UserId,
    Fact::StartedAt,
    Fact::Model,
    Fact::ModelGroup,
    Fact::CallType,
    Fact::Status,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::DurationMs,
    Fact::CacheHit,
    Fact::ToolCalls,
];

impl ContentRow {
    /// What the stored content weighs, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let columns = [&self.messages, &self.proxy_server_request, &self.response];
        let json: usize = columns.into_iter().flatten().map(|json| json.0.get().len()).sum();
        json + self.logged_request.as_ref().map_or(0, String::len)
    }

    /// Hands the stored content over to the normaliser.
    #[must_use]
    pub fn take_stored(&mut self) -> StoredContent {
        StoredContent {
            call_type: self.call_type.clone().unwrap_or_default(),
            failed: self.status == "failure",
            messages: self.messages.take().map(|json| json.0),
            proxy_server_request: self.proxy_server_request.take().map(|json| json.0),
            response: self.response.take().map(|json| json.0),
            logged_request: self.logged_request.take(),
            mcp_tool_call: self.mcp_tool_call.take().map(|json| json.0),
            cold_storage_object_key: self.cold_storage_object_key.take(),
            error: self.error_information.take().map(|json| json.0),
        }
    }
}

fn select(source: Source<'_>, rows: Rows<'_>) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!(
        "SELECT f.request_id, f.session_id, f.user_id AS owner, f.started_at AT TIME ZONE 'UTC' AS started_at, COALESCE(f.model, '') AS model, \
         f.model_group, f.call_type, f.status, f.prompt_tokens::bigint, f.completion_tokens::bigint, \
         f.total_tokens::bigint, f.spend AS cost, f.duration_ms::bigint AS duration_ms, f.cache_hit, f.tool_calls, \
         {CONTENT_COLUMNS} FROM "
    ));
    source.facts.push_content(&mut sql, "f", &FACTS, rows, source.scope);
    sql
}

/// The content of the request with this id, or with this call id.
///
/// # Errors
/// Whatever the database reports.
pub async fn of_request(conn: &mut Connection, source: Source<'_>, id: &str) -> sqlx::Result<Option<ContentRow>> {
    for rows in [Rows::Request(id), Rows::Call(id)] {
        let mut sql = select(source, rows);
        sql.push(" ORDER BY f.started_at DESC, f.request_id LIMIT 1");
        let found = sql.build_query_as().fetch_optional(&mut *conn).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads the contents of a session's requests, oldest first from after `after`, until `take` has enough or the session ends.
/// Few rows at first, then more at a time: a page may need a handful or a thousand, and each repeats its whole history.
///
/// # Errors
/// Whatever the database reports.
pub async fn read_session(
    conn: &mut Connection,
    source: Source<'_>,
    session_id: &str,
    after: Option<&RequestPosition>,
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> sqlx::Result<()> {
    let mut after = after.cloned();
    let mut stride = FIRST_STRIDE;
    loop {
        let mut sql = select(source, Rows::Session(session_id));
        if let Some(after) = &after {
            sql.push(" WHERE (f.started_at, f.request_id) > (").push_bind(utc(after.started_at));
            sql.push(", ").push_bind(after.request_id.clone()).push(")");
        }
        sql.push(" ORDER BY f.started_at, f.request_id LIMIT ").push_bind(stride);
        let mut rows = sql.build_query_as::<ContentRow>().fetch(&mut *conn);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            count += 1;
            after = Some(RequestPosition { started_at: row.started_at, request_id: row.request_id.clone() });
            if take(row).is_break() {
                return Ok(());
            }
        }
        if count < stride {
            return Ok(());
        }
        stride = (stride * 2).min(LONGEST_STRIDE);
    }
}

/// How many requests of a session are read at first, and at most at a time.
const FIRST_STRIDE: i64 = 40;
const LONGEST_STRIDE: i64 = 320;

/// Reads the contents of the session's requests that started at these instants, up to `until`, oldest first: what a later
/// page needs to know of the earlier ones.
///
/// # Errors
/// Whatever the database reports.
pub async fn read_session_at(
    conn: &mut Connection,
    source: Source<'_>,
    session_id: &str,
    starts: &[DateTime<Utc>],
    until: &RequestPosition,
    mut take: impl FnMut(ContentRow),
) -> sqlx::Result<()> {
    let starts: Vec<_> = starts.iter().copied().map(utc).collect();
    let mut sql = select(source, Rows::Session(session_id));
    sql.push(" WHERE f.started_at = ANY(").push_bind(starts);
    sql.push(") AND (f.started_at, f.request_id) <= (").push_bind(utc(until.started_at));
    sql.push(", ").push_bind(until.request_id.clone()).push(") ORDER BY f.started_at, f.request_id");
    let mut rows = sql.build_query_as::<ContentRow>().fetch(conn);
    while let Some(row) = rows.try_next().await? {
        take(row);
    }
    Ok(())
}
