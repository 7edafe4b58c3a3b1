//! The stored prompts and responses of single requests.

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_content::PROMPTS;
use traceability_content::StoredContent;
use traceability_core::scope::Scope;
use traceability_db::Connection;
use traceability_db::DbError;
use traceability_facts::scope::ScopeSql;
use traceability_facts::{Beside, CONTENT_COLUMNS, Fact, RowSelector};

use super::Source;
use super::filter::utc;
use super::position::RequestPosition;
use super::real_ids::RealIds;
use crate::source::SourceConnection;

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
    messages: Option<Json<Box<RawValue>>>,
    call_id: Option<String>,
    proxy_server_request: Option<Json<Box<RawValue>>>,
    has_request_metadata: bool,
    response: Option<Json<Box<RawValue>>>,
    logged_request: Option<String>,
    mcp_tool_call: Option<Json<Box<RawValue>>>,
    cold_storage_object_key: Option<String>,
    error_information: Option<Json<Box<RawValue>>>,
    /// Characters of the logged request, as JSON, in releases that log it in their metadata.
    logged_length: Option<i64>,
    deleted: bool,
}

/// How much content is stored, in characters of JSON as PostgreSQL writes it; 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredLengths {
    /// The prompt.
    pub prompt: usize,
    /// The response.
    pub response: usize,
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
    /// Its place in its session.
    #[must_use]
    pub fn position(&self) -> RequestPosition {
        RequestPosition { started_at: self.started_at, request_id: self.request_id.clone() }
    }

    /// What the stored content weighs, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let columns = [&self.messages, &self.proxy_server_request, &self.response];
        let json: usize = columns.into_iter().flatten().map(|json| json.0.get().len()).sum();
        json + self.logged_request.as_ref().map_or(0, String::len)
    }

    /// How much content is stored; to be asked before [`Self::take_stored`].
    #[must_use]
    pub fn lengths(&self) -> StoredLengths {
        let characters = |json: &RawValue| json.get().chars().count();
        let stored = |json: &Option<Json<Box<RawValue>>>| {
            json.as_ref().filter(|json| json.0.get() != "{}").map(|json| characters(&json.0))
        };
        let logged = || self.logged_length.map(|length| usize::try_from(length).unwrap_or_default());
        let prompt = || {
            let request: HashMap<String, &RawValue> =
                serde_json::from_str(self.proxy_server_request.as_ref()?.0.get()).ok()?;
            PROMPTS.iter().find_map(|key| request.get(*key)).map(|prompt| characters(prompt))
        };
        StoredLengths {
            prompt: stored(&self.messages).or_else(prompt).or_else(logged).unwrap_or_default(),
            response: stored(&self.response).unwrap_or_default(),
        }
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

fn select(source: Source<'_>, rows: RowSelector<'_>) -> QueryBuilder<Postgres> {
    let mut sql = source.requests_with(&FACTS, Beside::Content, rows);
    sql.push(format!(
        " SELECT f.request_id, f.call_id, f.session_id, f.user_id AS owner, f.started_at AT TIME ZONE 'UTC' AS started_at, COALESCE(f.model, '') AS model, \
         f.model_group, f.call_type, f.status, f.prompt_tokens::bigint, f.completion_tokens::bigint, \
         f.total_tokens::bigint, f.spend AS cost, f.duration_ms::bigint AS duration_ms, f.cache_hit, f.tool_calls, \
         {CONTENT_COLUMNS} FROM requests AS f"
    ));
    sql
}

/// The content of the request with this id, or with this call id: from LiteLLM's log, which has it as soon as the request is
/// over. Of one that is in the index only, no content is left.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn of_request(db: &mut SourceConnection, scope: &Scope, id: &str) -> Result<Option<ContentRow>, DbError> {
    let (conn, facts) = db.log().await?;
    let found = find(conn, Source { facts: &facts, scope }, id).await?;
    if found.is_some() {
        return Ok(found);
    }
    if !db.facts.outlives_log() {
        return db.require_index().map(|()| None);
    }
    let mut found = find(&mut db.conn, Source { facts: &db.facts, scope }, id).await?;
    // The index may have shortened the id; whoever asks knows the whole.
    if let Some(row) = found.as_mut().filter(|row| row.request_id == db.facts.stored(id)) {
        id.clone_into(&mut row.request_id);
    }
    Ok(found)
}

async fn find(conn: &mut Connection, source: Source<'_>, id: &str) -> sqlx::Result<Option<ContentRow>> {
    for rows in [RowSelector::Request(id), RowSelector::Call(id)] {
        let mut sql = select(source, rows);
        sql.push(" ORDER BY f.started_at DESC, f.request_id LIMIT 1");
        let found = sql.build_query_as().fetch_optional(&mut *conn).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads the contents of a session's requests, oldest first from after `after`, until `take` breaks off, which leaves the row
/// that it was given to the next page, or it has taken `limit` rows. Returns whether the session goes on.
///
/// The requests are found and put in order first, and only then are the contents of this page read, a few at a time: each
/// repeats its whole history, and brings LiteLLM's metadata along.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn read_session(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    after: Option<&RequestPosition>,
    limit: u32,
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<bool, DbError> {
    let of_keys = Judged::of(db, scope);
    let mut after = after.cloned();
    let mut left = i64::from(limit);
    loop {
        // One more than the page tells whether another follows.
        let wanted = if of_keys == Judged::ByKeys { left + 1 } else { KEYS };
        let mut sql = select_keys(db, scope, session_id);
        if let Some(after) = &after {
            sql.push(" WHERE (f.started_at, f.request_id) > (").push_bind(utc(after.started_at));
            sql.push(", ").push_bind(db.facts.stored(&after.request_id).into_owned()).push(")");
        }
        sql.push(" ORDER BY f.started_at, f.request_id LIMIT ").push_bind(wanted);
        let mut keys: Vec<RequestPosition> = sql.build_query_as().fetch_all(&mut db.conn).await?;
        let is_end = i64::try_from(keys.len()).unwrap_or(i64::MAX) < wanted;
        if of_keys == Judged::ByKeys && !is_end {
            keys.pop();
        }
        for part in keys.chunks(HELD) {
            let read = read(db, scope, part, |row| {
                if left == 0 {
                    return ControlFlow::Break(());
                }
                let flow = take(row);
                left -= i64::from(flow.is_continue());
                flow
            });
            if read.await?.is_break() {
                return Ok(true);
            }
        }
        if is_end || (left == 0 && of_keys == Judged::ByKeys) {
            return Ok(!is_end);
        }
        // Where some of them are not the caller's, or were deleted meanwhile, the page has room left.
        after = keys.pop().or(after);
    }
}

/// Where it is decided which requests of a session are the caller's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// Where they are found.
    ByKeys,
    /// Where their contents are read: a request's agent lies in its payload, which must not be unpacked for the whole session
    /// each time.
    ByContents,
}

impl Judged {
    fn of(db: &SourceConnection, scope: &Scope) -> Self {
        if scope.asks_for_agents() && db.facts.has_stored_content() { Self::ByContents } else { Self::ByKeys }
    }
}

/// How many requests are found at a time where not all of them may be the caller's.
const KEYS: i64 = 1_000;

/// A query for the requests of a session, as [`RequestPosition`]s. Who may see them is decided once their contents are read,
/// where that is [`Judged::ByContents`].
fn select_keys(db: &SourceConnection, scope: &Scope, session_id: &str) -> QueryBuilder<Postgres> {
    let scope = match Judged::of(db, scope) {
        Judged::ByKeys => scope,
        Judged::ByContents => &Scope::AllRows,
    };
    let facts = [Fact::RequestId, Fact::StartedAt];
    let mut sql = Source { facts: &db.facts, scope }.requests(&facts, RowSelector::Session(session_id));
    sql.push(" SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at FROM requests AS f");
    sql
}

/// Some of the requests of a session up to one of them.
#[derive(Debug, Clone, Copy)]
pub struct EarlierRequests<'a> {
    /// When they started.
    pub starts: &'a [DateTime<Utc>],
    /// The last that may be one of them.
    pub until: &'a RequestPosition,
}

/// Reads the contents of those earlier requests of the session that are `wanted`, oldest first: what a later page needs to know
/// of them.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn read_session_at(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    EarlierRequests { starts, until }: EarlierRequests<'_>,
    wanted: impl Fn(&RequestPosition) -> bool,
    mut take: impl FnMut(ContentRow),
) -> Result<(), DbError> {
    if starts.is_empty() {
        return Ok(());
    }
    let starts: Vec<_> = starts.iter().copied().map(utc).collect();
    let mut sql = select_keys(db, scope, session_id);
    sql.push(" WHERE f.started_at = ANY(").push_bind(starts);
    sql.push(") AND (f.started_at, f.request_id) <= (").push_bind(utc(until.started_at));
    sql.push(", ").push_bind(db.facts.stored(&until.request_id).into_owned());
    sql.push(") ORDER BY f.started_at, f.request_id");
    let mut keys: Vec<RequestPosition> = sql.build_query_as().fetch_all(&mut db.conn).await?;
    keys.retain(wanted);
    for part in keys.chunks(HELD) {
        let _ = read(db, scope, part, |row| {
            take(row);
            ControlFlow::Continue(())
        })
        .await?;
    }
    Ok(())
}

/// Hands over the requests with these keys, in this order, one by one, with the content that the log has of them. Of those
/// that are in the index only, no content is left; what is nowhere any more is left out.
async fn read(
    db: &mut SourceConnection,
    scope: &Scope,
    keys: &[RequestPosition],
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, DbError> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(ControlFlow::Continue(())) };
    let known = db.facts.clone();
    let key = |row: &ContentRow| {
        let RequestPosition { started_at, request_id } = row.position();
        RequestPosition { started_at, request_id: known.stored(&request_id).into_owned() }
    };
    let mut ids: Vec<String> = keys.iter().map(|key| key.request_id.clone()).collect();
    let mut ahead: HashMap<RequestPosition, ContentRow> = HashMap::new();
    let mut without_content: HashMap<RequestPosition, ContentRow> = HashMap::new();
    if !known.has_stored_content() {
        let mut sql = select(Source { facts: &known, scope }, RowSelector::Requests(&ids));
        push_between(&mut sql, first, last);
        let rows: Vec<ContentRow> = sql.build_query_as().fetch_all(&mut db.conn).await?;
        without_content = rows.into_iter().map(|row| (key(&row), row)).collect();
        let shortened = keys.iter().map(|key| (key.request_id.as_str(), key.started_at));
        let real_ids = RealIds::of(db, scope, shortened).await?;
        ids = ids.into_iter().map(|id| real_ids.whole(id)).collect();
    }
    let (conn, facts) = db.log().await?;
    let mut sql = select(Source { facts: &facts, scope }, RowSelector::Requests(&ids));
    push_between(&mut sql, first, last);
    sql.push(" ORDER BY f.started_at, f.request_id");
    let mut rows = sql.build_query_as::<ContentRow>().fetch(conn).fuse();
    // Requests of the same instant come in whatever order this database has for their ids.
    let mut reached = None;
    for wanted in keys {
        while !ahead.contains_key(wanted) && reached.is_none_or(|reached| reached <= wanted.started_at) {
            let Some(row) = rows.try_next().await? else { break };
            reached = Some(row.started_at);
            ahead.insert(key(&row), row);
        }
        let row = ahead.remove(wanted).or_else(|| without_content.remove(wanted));
        if row.is_some_and(|row| take(row).is_break()) {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Appends the condition of the time in which the requests from one to another started: in the partitions of other times
/// nobody needs to look.
fn push_between(sql: &mut QueryBuilder<Postgres>, first: &RequestPosition, last: &RequestPosition) {
    sql.push(" WHERE f.started_at >= ").push_bind(utc(first.started_at));
    sql.push(" AND f.started_at <= ").push_bind(utc(last.started_at));
}

/// Requests whose contents are asked for at a time.
const HELD: usize = 40;
