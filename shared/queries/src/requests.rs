//! Single requests and lists of them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_content::RowKeys;
use traceability_core::scalar::SortOrder;
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_db::DbError;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::{Beside, CONTENT_COLUMNS, Conditions, Fact, RowSelector};
use traceability_litellm::SHARES_CALL_ID;
use utoipa::ToSchema;

use super::Source;
use super::content::ContentRow;
use super::filter::{RequestFilter, union, utc};
use super::position::RequestPosition;
use super::real_ids::RealIds;
use crate::source::SourceConnection;

/// One request of a list: its facts, without content.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct RequestRow {
    /// LiteLLM's request id: the provider's response id, or the call id of a failed request.
    pub request_id: String,
    /// `x-litellm-call-id`; null in releases that do not store it.
    pub litellm_call_id: Option<String>,
    /// The session; the request's own id where none was stored.
    pub session_id: String,
    /// The LiteLLM user who owns the key, `unknown` if none.
    pub user_id: String,
    /// The end user that the caller named.
    pub end_user: Option<String>,
    /// The key's team.
    pub team_id: Option<String>,
    /// The deployed model, as LiteLLM wrote it.
    pub model: String,
    /// The model's public name.
    pub model_group: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// LiteLLM's call type, such as `acompletion`.
    pub call_type: Option<String>,
    /// `success` or `failure`.
    pub status: String,
    /// When the proxy received the request.
    pub request_start: DateTime<Utc>,
    /// When the response was complete.
    pub request_end: DateTime<Utc>,
    /// Seconds from start to end; 0 if LiteLLM logged an earlier end and no duration.
    pub total_time: f64,
    /// Seconds to the first token; null where the response was not streamed.
    pub time_to_first_token: Option<f64>,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the completion.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub cost: f64,
    /// Whether LiteLLM's own response cache answered.
    pub cache_hit: bool,
    /// The request's tags, each once.
    pub tags: Vec<String>,
    /// Who made the request: `user`; `internal` for LiteLLM itself, such as health checks and calls of its router; `read` for a
    /// mere read of what was there, such as a poll of a response; null where LiteLLM's log had lost the request when the index
    /// began to note it.
    #[sqlx(default)]
    pub origin: Option<String>,
    /// What is doubtful about the request's row: `no_usage` (a model's answer with neither tokens nor cost),
    /// `ends_before_start`, `time_out_of_range` (a time that is infinite, before 1970 or after 9999), `charged_read` (a mere
    /// read that cost something). On the page of one request also `shares_call_id` (another request with its call id started
    /// within a quarter of an hour of it).
    #[sqlx(default)]
    pub data_quality: Vec<String>,
}

/// The columns of [`RequestRow`].
const ROW: &str = "f.request_id, f.call_id AS litellm_call_id, f.session_id, COALESCE(f.user_id, 'unknown') AS user_id, \
     f.end_user, f.team_id, COALESCE(f.model, '') AS model, f.model_group, f.provider, f.call_type, f.status, \
     f.started_at AT TIME ZONE 'UTC' AS request_start, f.ended_at AT TIME ZONE 'UTC' AS request_end, \
     f.duration_ms / 1000.0::float8 AS total_time, f.ttft_ms / 1000.0::float8 AS time_to_first_token, \
     f.prompt_tokens::bigint, f.completion_tokens::bigint, f.total_tokens::bigint, f.spend AS cost, f.cache_hit, \
     ARRAY(SELECT DISTINCT j.value #>> '{}' FROM jsonb_array_elements(f.tags) AS j(value) \
           WHERE jsonb_typeof(j.value) = 'string' ORDER BY 1) AS tags";

/// The rest of its columns. In the log these read payload.
const MARKS: &str = "f.origin, COALESCE(f.data_quality, '{}') AS data_quality";

/// The facts of [`RequestRow`].
const ROW_FACTS: [Fact; 19] = [
    Fact::RequestId,
    Fact::CallId,
    Fact::SessionId,
    Fact::UserId,
    Fact::EndUser,
    Fact::TeamId,
    Fact::Model,
    Fact::ModelGroup,
    Fact::Provider,
    Fact::CallType,
    Fact::Status,
    Fact::StartedAt,
    Fact::EndedAt,
    Fact::DurationMs,
    Fact::TtftMs,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::TotalTokens,
    Fact::Spend,
];

/// A question for requests.
#[derive(Debug, Clone)]
pub struct RequestSearch {
    /// When they started.
    pub window: TimeWindow,
    /// When they ended, at the earliest.
    pub ended_since: Option<DateTime<Utc>>,
    /// What they must be.
    pub filter: RequestFilter,
    /// Whether the latest come first.
    pub order: SortOrder,
}

impl RequestSearch {
    /// Begins a statement with the requests among which are those that match.
    fn requests(&self, source: Source<'_>, facts: &[Fact]) -> QueryBuilder<Postgres> {
        let ended: &[Fact] = if self.ended_since.is_some() { &[Fact::EndedAt] } else { &[] };
        let facts = union(&[facts, &[Fact::StartedAt], ended, &self.filter.facts()]);
        source.requests(&facts, self.filter.rows(&self.window))
    }

    /// Appends the conditions, over the requests `f`.
    fn push(&self, conditions: &mut Conditions<'_>, source: Source<'_>) {
        if let Some(since) = self.ended_since {
            conditions.and().push("GREATEST(f.ended_at, f.started_at) >= ").push_bind(utc(since));
        }
        self.filter.stored(source.facts).push(conditions, "f");
    }
}

/// Requests by the time index: at most `limit` after skipping `offset`.
///
/// # Errors
/// Whatever the database reports.
pub async fn list(
    conn: &mut Connection,
    source: Source<'_>,
    search: &RequestSearch,
    after: Option<&RequestPosition>,
    (limit, offset): (u32, u32),
) -> sqlx::Result<Vec<RequestRow>> {
    let (direction, beyond) = match search.order {
        SortOrder::Desc => ("DESC", "<"),
        SortOrder::Asc => ("ASC", ">"),
    };
    let facts = union(&[&ROW_FACTS, &[Fact::CacheHit, Fact::Tags]]);
    let mut sql = search.requests(source, &facts);
    sql.push(format!(" SELECT {ROW} FROM requests AS f"));
    let mut conditions = Conditions::new(&mut sql);
    if let Some(after) = after {
        let sql = conditions.and();
        sql.push(format!("(f.started_at, f.request_id) {beyond} (")).push_bind(utc(after.started_at));
        sql.push(", ").push_bind(source.facts.stored(&after.request_id).into_owned()).push(")");
    }
    search.push(&mut conditions, source);
    sql.push(format!(" ORDER BY f.started_at {direction}, f.request_id {direction} LIMIT "));
    sql.push_bind(i64::from(limit));
    sql.push(" OFFSET ").push_bind(i64::from(offset));
    let mut rows: Vec<RequestRow> = sql.build_query_as().fetch_all(&mut *conn).await?;
    mark(conn, source, &mut rows).await?;
    Ok(rows)
}

/// How many requests a list has, counted up to `most`.
///
/// # Errors
/// Whatever the database reports.
pub async fn count(conn: &mut Connection, source: Source<'_>, search: &RequestSearch, most: u32) -> sqlx::Result<i64> {
    let mut sql = search.requests(source, &[]);
    sql.push(" SELECT count(*) FROM (SELECT 1 FROM requests AS f");
    search.push(&mut Conditions::new(&mut sql), source);
    sql.push(" LIMIT ").push_bind(i64::from(most)).push(") AS c");
    sql.build_query_scalar().fetch_one(conn).await
}

/// What [`MARKS`] says of a request.
#[derive(FromRow)]
struct Marks {
    request_id: String,
    request_start: DateTime<Utc>,
    origin: Option<String>,
    data_quality: Vec<String>,
}

/// Marks the requests of a page. Apart from the search for them, so that payload is read of these alone.
async fn mark(conn: &mut Connection, source: Source<'_>, rows: &mut [RequestRow]) -> sqlx::Result<()> {
    let starts = || rows.iter().map(|row| row.request_start);
    let Some((first, last)) = starts().min().zip(starts().max()) else { return Ok(()) };
    let ids: Vec<String> = rows.iter().map(|row| row.request_id.clone()).collect();
    let facts = [Fact::RequestId, Fact::StartedAt, Fact::Origin, Fact::DataQuality];
    let mut sql = source.requests(&facts, RowSelector::Requests(&ids));
    sql.push(format!(
        " SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS request_start, {MARKS} FROM requests AS f"
    ));
    // Where the table is partitioned, by time, the others need not be looked into.
    sql.push(" WHERE f.started_at >= ").push_bind(utc(first)).push(" AND f.started_at <= ").push_bind(utc(last));
    let marks: Vec<Marks> = sql.build_query_as().fetch_all(conn).await?;
    let mut marks: HashMap<_, _> =
        marks.into_iter().map(|marks| ((marks.request_id.clone(), marks.request_start), marks)).collect();
    for row in rows {
        // One that is gone meanwhile stays unmarked.
        if let Some(marks) = marks.remove(&(row.request_id.clone(), row.request_start)) {
            (row.origin, row.data_quality) = (marks.origin, marks.data_quality);
        }
    }
    Ok(())
}

/// Puts the whole ids in place of those that the index shortened, as far as the log still has the requests.
///
/// # Errors
/// [`DbError`] when the log cannot be reached.
pub async fn show_real_ids(db: &mut SourceConnection, scope: &Scope, rows: &mut [RequestRow]) -> Result<(), DbError> {
    let ids = |row: &RequestRow| {
        let ids = [Some(&row.request_id), Some(&row.session_id), row.litellm_call_id.as_ref()];
        ids.into_iter().flatten().cloned().map(|id| (id, row.request_start)).collect::<Vec<_>>()
    };
    let shown: Vec<_> = rows.iter().flat_map(ids).collect();
    let real_ids = RealIds::of(db, scope, shown.iter().map(|(id, start)| (id.as_str(), *start))).await?;
    for row in rows {
        for id in
            [Some(&mut row.request_id), Some(&mut row.session_id), row.litellm_call_id.as_mut()].into_iter().flatten()
        {
            *id = real_ids.whole(std::mem::take(id));
        }
    }
    Ok(())
}

/// Everything LiteLLM recorded of one request.
#[derive(Debug, FromRow)]
pub struct RequestRecord {
    /// The facts.
    #[sqlx(flatten)]
    pub row: RequestRow,
    /// Who asked, `unknown` if nobody said.
    pub agent_name: String,
    /// The conversation's name, `default` if nobody gave one.
    pub conversation_name: String,
    /// The alias of the key.
    pub key_alias: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// The class of the error of a failed request.
    pub error_class: Option<String>,
    /// Tokens read from the provider's prompt cache.
    pub cached_tokens: Option<i64>,
    /// Tokens spent on reasoning.
    pub reasoning_tokens: Option<i64>,
    /// The stored prompt and response.
    #[sqlx(flatten)]
    pub content: ContentRow,
    /// LiteLLM's time of the first token, which is the end where nothing was streamed.
    pub completion_start: Option<DateTime<Utc>>,
    /// LiteLLM's text: `None`, `False` or `True`.
    pub cache_hit_text: Option<String>,
    /// LiteLLM's cache key.
    pub cache_key: Option<String>,
    /// The provider's URL.
    pub api_base: Option<String>,
    /// LiteLLM's metadata of the request.
    pub metadata: Option<Json<Box<RawValue>>>,
    /// The keys that the row holds, to be taken out of its metadata.
    #[sqlx(try_from = "Vec<String>")]
    pub row_keys: RowKeys,
}

/// The request with this id, or with this call id: from LiteLLM's log, which has it as soon as it is over, else from the
/// index, which has it for longer.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn find(db: &mut SourceConnection, scope: &Scope, id: &str) -> Result<Option<RequestRecord>, DbError> {
    let (conn, facts) = db.log().await?;
    // One look-up each, not one with OR: a database may lack the index on the call id, and ids are mostly request ids.
    for rows in [RowSelector::Request(id), RowSelector::Call(id)] {
        let found = find_in(conn, Source { facts: &facts, scope }, rows).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if !db.facts.outlives_log() {
        return db.require_index().map(|()| None);
    }
    let source = Source { facts: &db.facts, scope };
    let mut found = find_in(&mut db.conn, source, RowSelector::Request(id)).await?;
    if found.is_none() {
        found = find_in(&mut db.conn, source, RowSelector::Call(id)).await?;
    }
    // The index may have shortened the id; whoever asks knows the whole.
    Ok(found.map(|mut record| {
        let ids = [Some(&mut record.row.request_id), record.row.litellm_call_id.as_mut()];
        for stored in ids.into_iter().flatten().filter(|stored| **stored == source.facts.stored(id)) {
            id.clone_into(stored);
        }
        record
    }))
}

async fn find_in(
    conn: &mut Connection,
    source: Source<'_>,
    rows: RowSelector<'_>,
) -> sqlx::Result<Option<RequestRecord>> {
    let mut sql = source.requests_with(&Fact::ALL, Beside::Record, rows);
    sql.push(format!(
        " SELECT {ROW}, {MARKS}, COALESCE(f.agent_name, '{UNKNOWN}') AS agent_name, \
         COALESCE(f.conversation_name, 'default') AS conversation_name, f.key_alias, f.organization_id, f.error_class, \
         f.cached_tokens, f.reasoning_tokens, f.tool_calls, f.duration_ms, f.user_id AS owner, \
         f.started_at AT TIME ZONE 'UTC' AS started_at, f.call_id, {CONTENT_COLUMNS}, \
         f.completion_started_at AT TIME ZONE 'UTC' AS completion_start, f.cache_hit_text, f.cache_key, f.api_base, \
         f.metadata, f.row_keys FROM requests AS f"
    ));
    // A partitioned log may hold an id twice, and call ids are not unique at all: the newest is meant.
    sql.push(" ORDER BY f.started_at DESC, f.request_id LIMIT 1");
    let mut record: Option<RequestRecord> = sql.build_query_as().fetch_optional(&mut *conn).await?;
    if let Some(RequestRecord { row, .. }) = &mut record
        && shares_call_id(conn, source, row).await?
    {
        row.data_quality.push(SHARES_CALL_ID.name.to_owned());
    }
    Ok(record)
}

/// How far apart requests with one call id are looked for: LiteLLM writes the second row of a call that it counts twice with
/// the first, and its retries follow within minutes. A log without an index of call ids is not read as a whole for this.
const AROUND: TimeDelta = TimeDelta::minutes(15);

/// Whether another request that the caller may see has the same call id.
async fn shares_call_id(conn: &mut Connection, source: Source<'_>, row: &RequestRow) -> sqlx::Result<bool> {
    let Some(call_id) = &row.litellm_call_id else { return Ok(false) };
    let start = row.request_start;
    let (Some(from), Some(until)) = (start.checked_sub_signed(AROUND), start.checked_add_signed(AROUND)) else {
        return Ok(false);
    };
    let window = TimeWindow { start: from, end: until };
    let facts = [Fact::CallId, Fact::RequestId, Fact::StartedAt];
    let mut sql = source.requests(&facts, RowSelector::Started(&window));
    sql.push(" SELECT EXISTS (SELECT 1 FROM requests AS f WHERE f.call_id = ")
        .push_bind(call_id.clone())
        .push(" AND (f.request_id, f.started_at) <> (");
    sql.push_bind(row.request_id.clone()).push(", ").push_bind(utc(start)).push("))");
    sql.build_query_scalar().fetch_one(conn).await
}
