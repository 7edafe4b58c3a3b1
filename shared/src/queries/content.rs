//! The stored prompts and responses of single requests.

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::Source;
use super::filter::utc;
use super::requests::RequestPosition;
use crate::access::Scope;
use crate::content::StoredContent;
use crate::db::{Connection, Session};
use crate::facts::content::CONTENT_COLUMNS;
use crate::facts::{Fact, FactsError, Rows};

/// One request with what LiteLLM stored of its content.
#[derive(Debug, Clone, FromRow)]
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
    call_id: Option<String>,
    proxy_server_request: Option<Json<Box<RawValue>>>,
    has_request_metadata: bool,
    response: Option<Json<Box<RawValue>>>,
    logged_request: Option<String>,
    mcp_tool_call: Option<Json<Box<RawValue>>>,
    cold_storage_object_key: Option<String>,
    error_information: Option<Json<Box<RawValue>>>,
    deleted: bool,
}

const FACTS: [Fact; 16] = [
    Fact::RequestId,
    Fact::CallId,
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
            call_id: self.call_id.clone(),
            call_type: self.call_type.clone().unwrap_or_default(),
            failed: self.status == "failure",
            deleted: self.deleted,
            cached: self.cache_hit,
            prompt_tokens: self.prompt_tokens.try_into().ok(),
            messages: self.messages.take().map(|json| json.0),
            proxy_server_request: self.proxy_server_request.take().map(|json| json.0),
            has_request_metadata: self.has_request_metadata,
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
        "SELECT f.request_id, f.call_id, f.session_id, f.user_id AS owner, f.started_at AT TIME ZONE 'UTC' AS started_at, COALESCE(f.model, '') AS model, \
         f.model_group, f.call_type, f.status, f.prompt_tokens::bigint, f.completion_tokens::bigint, \
         f.total_tokens::bigint, f.spend AS cost, f.duration_ms::bigint AS duration_ms, f.cache_hit, f.tool_calls, \
         {CONTENT_COLUMNS} FROM "
    ));
    source.facts.push_content(&mut sql, "f", &FACTS, rows, source.scope);
    sql
}

/// The content of the request with this id, or with this call id: from LiteLLM's log, which has it as soon as the request is
/// over. Of one that is in the index only, no content is left.
///
/// # Errors
/// [`FactsError`] when a database does not answer.
pub async fn of_request(db: &mut Session, scope: &Scope, id: &str) -> Result<Option<ContentRow>, FactsError> {
    let (conn, facts) = db.log().await?;
    let found = find(conn, Source { facts: &facts, scope }, id).await?;
    if found.is_some() || !db.facts.is_indexed() {
        return Ok(found);
    }
    Ok(find(&mut db.conn, Source { facts: &db.facts, scope }, id).await?)
}

async fn find(conn: &mut Connection, source: Source<'_>, id: &str) -> sqlx::Result<Option<ContentRow>> {
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
/// [`FactsError`] when a database does not answer.
pub async fn read_session(
    db: &mut Session,
    scope: &Scope,
    session_id: &str,
    after: Option<&RequestPosition>,
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<(), FactsError> {
    let mut after = after.cloned();
    let mut stride = FIRST_STRIDE;
    loop {
        let mut sql = select(Source { facts: &db.facts, scope }, Rows::Session(session_id));
        if let Some(after) = &after {
            sql.push(" WHERE (f.started_at, f.request_id) > (").push_bind(utc(after.started_at));
            sql.push(", ").push_bind(after.request_id.clone()).push(")");
        }
        sql.push(" ORDER BY f.started_at, f.request_id LIMIT ").push_bind(stride);
        let mut count = 0;
        let mut end = false;
        read(db, scope, sql, |row| {
            count += 1;
            after = Some(RequestPosition { started_at: row.started_at, request_id: row.request_id.clone() });
            let flow = take(row);
            end = flow.is_break();
            flow
        })
        .await?;
        if end || count < stride {
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
/// [`FactsError`] when a database does not answer.
pub async fn read_session_at(
    db: &mut Session,
    scope: &Scope,
    session_id: &str,
    starts: &[DateTime<Utc>],
    until: &RequestPosition,
    mut take: impl FnMut(ContentRow),
) -> Result<(), FactsError> {
    let starts: Vec<_> = starts.iter().copied().map(utc).collect();
    let mut sql = select(Source { facts: &db.facts, scope }, Rows::Session(session_id));
    sql.push(" WHERE f.started_at = ANY(").push_bind(starts);
    sql.push(") AND (f.started_at, f.request_id) <= (").push_bind(utc(until.started_at));
    sql.push(", ").push_bind(until.request_id.clone()).push(") ORDER BY f.started_at, f.request_id");
    let take = |row| {
        take(row);
        ControlFlow::Continue(())
    };
    read(db, scope, sql, take).await
}

/// Hands over the rows of a statement, one by one. Those of the index come with the content that the log has of them; only
/// so many are held at a time.
async fn read(
    db: &mut Session,
    scope: &Scope,
    mut sql: QueryBuilder<Postgres>,
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<(), FactsError> {
    if !db.facts.is_indexed() {
        let mut rows = sql.build_query_as::<ContentRow>().fetch(&mut db.conn);
        while let Some(row) = rows.try_next().await? {
            if take(row).is_break() {
                break;
            }
        }
        return Ok(());
    }
    let mut rows: Vec<ContentRow> = sql.build_query_as().fetch_all(&mut db.conn).await?;
    for part in rows.chunks_mut(HELD) {
        let ids: Vec<String> = part.iter().map(|row| row.request_id.clone()).collect();
        let (conn, facts) = db.log().await?;
        let mut sql = select(Source { facts: &facts, scope }, Rows::Requests(&ids));
        let stored: Vec<ContentRow> = sql.build_query_as().fetch_all(conn).await?;
        let mut stored: HashMap<_, _> =
            stored.into_iter().map(|row| ((row.request_id.clone(), row.started_at), row)).collect();
        for row in part {
            let row = stored.remove(&(row.request_id.clone(), row.started_at)).unwrap_or_else(|| row.clone());
            if take(row).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Rows whose content is held at a time.
const HELD: usize = 40;
