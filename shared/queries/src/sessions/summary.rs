//! The totals of whole sessions.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_db::Connection;
use traceability_db::DbError;
use traceability_facts::scope::ScopeSql;
use traceability_facts::session::SUMMARY_COLUMNS;
use traceability_facts::session_duration;
use traceability_facts::{Fact, RowSelector};
use utoipa::ToSchema;

use crate::Source;
use crate::real_ids::RealIds;
use crate::source::SourceConnection;

/// One session, whatever number of users, agents or keys took part.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct SessionSummary {
    /// The session's id; the request's own id where LiteLLM stored no session.
    pub session_id: String,
    /// The LiteLLM user of the most requests, `unknown` if none is known.
    pub user_id: String,
    /// The agent of the most requests, `unknown` if nobody named one.
    pub agent_name: String,
    /// The conversation's name of the most requests, `default` if nobody gave one.
    pub conversation_name: String,
    /// The number of requests.
    pub total_messages: i64,
    /// The start of the first request.
    pub session_start: DateTime<Utc>,
    /// The end of the last response.
    pub session_end: DateTime<Utc>,
    /// The start of the latest request.
    pub last_activity: DateTime<Utc>,
    /// Seconds from start to end by the clock, idle time included.
    pub total_duration_seconds: f64,
    /// Seconds in which at least one request was being answered.
    pub busy_seconds: f64,
    /// All tokens.
    pub total_tokens: i64,
    /// Tokens of the prompts.
    pub prompt_tokens: i64,
    /// Tokens of the completions.
    pub completion_tokens: i64,
    /// Prompt tokens that the provider read from its own cache; null where LiteLLM kept no usage.
    pub cached_tokens: Option<i64>,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Seconds within which half of the requests were answered.
    pub p50_response_time: f64,
    /// Seconds within which 95 of 100 requests were answered.
    pub p95_response_time: f64,
    /// Tool calls.
    pub function_calls_count: i64,
    /// Whether all tool calls were counted. Where a response was not stored, LiteLLM's index of called tools gives their
    /// distinct names only, and the count is a lower bound.
    pub function_calls_exact: bool,
    /// How many in 100 requests LiteLLM's own response cache answered.
    pub cache_hit_rate: f64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// The deployed models, as LiteLLM wrote them.
    pub models_used: Vec<String>,
    /// The models' public names.
    pub model_groups_used: Vec<String>,
    /// All users.
    pub users: Vec<String>,
    /// All end users.
    pub end_users: Vec<String>,
    /// All agents.
    pub agents: Vec<String>,
}

/// The totals that a search of the index sorts by or filters on: their columns, the aggregates over the requests `e`, and what
/// they are in a session's row `o`.
const SEARCH_TOTALS: [(&str, &str, &str); 10] = [
    ("total_messages", "count(*)", "o.requests::bigint"),
    ("session_start", "min(e.started_at)", "o.session_start"),
    ("last_activity", "max(e.started_at)", "o.last_activity"),
    ("total_duration_seconds", concat!(session_duration!(), "::float8"), "o.duration::float8"),
    ("total_tokens", "COALESCE(sum(e.total_tokens), 0)::bigint", "o.total_tokens::bigint"),
    ("total_cost", "COALESCE(sum(e.spend::numeric), 0)::float8", "o.cost::float8"),
    ("function_calls_count", "COALESCE(sum(e.tool_calls), 0)::bigint", "o.tool_calls"),
    ("failed_requests", "count(*) FILTER (WHERE e.status = 'failure')", "o.failed_requests"),
    (
        "users",
        "COALESCE(array_agg(DISTINCT e.user_id COLLATE \"C\") FILTER (WHERE e.user_id IS NOT NULL), '{}')",
        "array_remove(o.users, '')",
    ),
    (
        "agents",
        "COALESCE(array_agg(DISTINCT e.agent_name COLLATE \"C\") FILTER (WHERE e.agent_name IS NOT NULL), '{}')",
        "array_remove(o.agents, '')",
    ),
];

/// What the database has as UTC without saying so.
const INSTANTS: [&str; 3] = ["session_start", "session_end", "last_activity"];

/// SQL of all totals over the requests `e` of a session.
fn totals() -> String {
    let others = SEARCH_TOTALS.into_iter().map(|(name, of_requests, _)| (name, of_requests.to_owned()));
    columns(others.chain(SUMMARY_COLUMNS.map(|(name, of_requests)| (name, of_requests.to_owned()))))
}

/// SQL of all totals in a session's row `o`.
fn row_columns() -> String {
    let others = SEARCH_TOTALS.into_iter().map(|(name, _, of_row)| (name, of_row.to_owned()));
    columns(others.chain(SUMMARY_COLUMNS.map(|(name, _)| (name, format!("o.{name}")))))
}

fn columns(totals: impl Iterator<Item = (&'static str, String)>) -> String {
    let column = |(name, sql)| {
        let zone = if INSTANTS.contains(&name) { " AT TIME ZONE 'UTC'" } else { "" };
        format!("{sql}{zone} AS {name}")
    };
    totals.map(column).collect::<Vec<_>>().join(", ")
}

/// The facts of these totals.
const FACTS: [Fact; 19] = [
    Fact::SessionId,
    Fact::StartedAt,
    Fact::EndedAt,
    Fact::DurationMs,
    Fact::AgentName,
    Fact::ConversationName,
    Fact::UserId,
    Fact::EndUser,
    Fact::Model,
    Fact::ModelGroup,
    Fact::Status,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::CachedTokens,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::CacheHit,
    Fact::ToolCalls,
    Fact::ToolCallsExact,
];

/// One session; `None` if it has no request that the caller may see.
///
/// # Errors
/// Whatever the database reports.
pub async fn summary(
    conn: &mut Connection,
    source: Source<'_>,
    session_id: &str,
) -> sqlx::Result<Option<SessionSummary>> {
    let stored = source.facts.stored(session_id).into_owned();
    if let Some(summary) = whole(conn, source, &[stored]).await?.pop() {
        return Ok(Some(SessionSummary { session_id: session_id.to_owned(), ..summary }));
    }
    let mut sql = source.requests(&FACTS, RowSelector::Session(session_id));
    sql.push(" SELECT ").push_bind(session_id.to_owned()).push("::text AS session_id, ").push(totals());
    sql.push(" FROM requests AS e HAVING count(*) > 0");
    sql.build_query_as().fetch_optional(conn).await
}

/// These sessions, in this order.
///
/// # Errors
/// Whatever the database reports.
pub async fn summaries(
    conn: &mut Connection,
    source: Source<'_>,
    session_ids: &[String],
) -> sqlx::Result<Vec<SessionSummary>> {
    let mut found = whole(conn, source, session_ids).await?;
    let is_found = |id: &&String| found.iter().any(|summary| summary.session_id == **id);
    let (_, rest): (Vec<&String>, Vec<&String>) = session_ids.iter().partition(is_found);
    if !rest.is_empty() {
        let mut sql = QueryBuilder::<Postgres>::new("SELECT k.session_id, t.* FROM unnest(");
        sql.push_bind(rest.into_iter().cloned().collect::<Vec<_>>())
            .push("::text[]) AS k(session_id) CROSS JOIN LATERAL (SELECT ");
        sql.push(totals()).push(" FROM ");
        source.push(&mut sql, "e", &FACTS, RowSelector::SessionOf("k.session_id"));
        // A session without such requests makes no group.
        sql.push(" GROUP BY e.session_id) AS t");
        found.extend(sql.build_query_as::<SessionSummary>().fetch_all(conn).await?);
    }
    found.sort_by_key(|summary| session_ids.iter().position(|id| *id == summary.session_id));
    Ok(found)
}

/// Puts the whole ids in place of those that the index shortened, as far as the log still has the first or the latest request
/// of the sessions. Returns what it put there.
///
/// # Errors
/// [`DbError`] when the log cannot be reached.
pub async fn show_real_ids(
    db: &mut SourceConnection,
    scope: &Scope,
    summaries: &mut [SessionSummary],
) -> Result<RealIds, DbError> {
    let ends = summaries.iter().flat_map(|summary| {
        [summary.session_start, summary.last_activity].map(|start| (summary.session_id.as_str(), start))
    });
    let real_ids = RealIds::of(db, scope, ends).await?;
    for summary in summaries {
        summary.session_id = real_ids.whole(std::mem::take(&mut summary.session_id));
    }
    Ok(real_ids)
}

/// Those of these sessions whose requests are all the caller's, from their rows in the index; none without one.
async fn whole(conn: &mut Connection, source: Source<'_>, session_ids: &[String]) -> sqlx::Result<Vec<SessionSummary>> {
    if session_ids.is_empty() || !source.facts.has_session_rows() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new(format!(
        "SELECT o.session_id, {} FROM traceability.sessions o WHERE o.session_id = ANY(",
        row_columns()
    ));
    sql.push_bind(session_ids.to_vec()).push(")");
    source.scope.push_whole(&mut sql, " AND ");
    sql.build_query_as().fetch_all(conn).await
}
