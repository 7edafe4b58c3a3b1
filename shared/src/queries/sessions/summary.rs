//! The totals of whole sessions.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::ToSchema;

use crate::db::Connection;
use crate::facts::{Fact, Rows};
use crate::queries::Source;

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

/// The aggregates of [`SessionSummary`] over the requests `e` of one session.
const TOTALS: &str = "\
    COALESCE(mode() WITHIN GROUP (ORDER BY e.user_id COLLATE \"C\"), 'unknown') AS user_id, \
    COALESCE(mode() WITHIN GROUP (ORDER BY e.agent_name COLLATE \"C\"), 'unknown') AS agent_name, \
    COALESCE(mode() WITHIN GROUP (ORDER BY e.conversation_name COLLATE \"C\"), 'default') AS conversation_name, \
    count(*) AS total_messages, \
    min(e.started_at) AT TIME ZONE 'UTC' AS session_start, \
    max(e.ended_at) AT TIME ZONE 'UTC' AS session_end, \
    max(e.started_at) AT TIME ZONE 'UTC' AS last_activity, \
    EXTRACT(EPOCH FROM max(e.ended_at) - min(e.started_at))::float8 AS total_duration_seconds, \
    (SELECT COALESCE(sum(EXTRACT(EPOCH FROM upper(b.r) - lower(b.r))), 0)::float8 \
       FROM unnest(range_agg(tsrange(e.started_at, GREATEST(e.started_at, e.ended_at)))) AS b(r)) AS busy_seconds, \
    COALESCE(sum(e.total_tokens), 0)::bigint AS total_tokens, \
    COALESCE(sum(e.prompt_tokens), 0)::bigint AS prompt_tokens, \
    COALESCE(sum(e.completion_tokens), 0)::bigint AS completion_tokens, \
    sum(e.cached_tokens)::bigint AS cached_tokens, \
    COALESCE(sum(e.spend::numeric), 0)::float8 AS total_cost, \
    COALESCE(avg(e.duration_ms) / 1000, 0)::float8 AS avg_response_time, \
    COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8 AS p50_response_time, \
    COALESCE(percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8 AS p95_response_time, \
    COALESCE(sum(e.tool_calls), 0)::bigint AS function_calls_count, \
    COALESCE(bool_and(e.tool_calls_exact), true) AS function_calls_exact, \
    COALESCE(round(100.0 * count(*) FILTER (WHERE e.cache_hit) / NULLIF(count(*), 0), 2), 0)::float8 AS cache_hit_rate, \
    count(*) FILTER (WHERE e.status = 'failure') AS failed_requests, \
    COALESCE(array_agg(DISTINCT e.model COLLATE \"C\") FILTER (WHERE e.model IS NOT NULL), '{}') AS models_used, \
    COALESCE(array_agg(DISTINCT e.model_group COLLATE \"C\") FILTER (WHERE e.model_group IS NOT NULL), '{}') AS model_groups_used, \
    COALESCE(array_agg(DISTINCT e.user_id COLLATE \"C\") FILTER (WHERE e.user_id IS NOT NULL), '{}') AS users, \
    COALESCE(array_agg(DISTINCT e.end_user COLLATE \"C\") FILTER (WHERE e.end_user IS NOT NULL), '{}') AS end_users, \
    COALESCE(array_agg(DISTINCT e.agent_name COLLATE \"C\") FILTER (WHERE e.agent_name IS NOT NULL), '{}') AS agents";

/// The facts of [`TOTALS`].
const FACTS: [Fact; 18] = [
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
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    sql.push_bind(session_id.to_owned()).push("::text AS session_id, ").push(TOTALS).push(" FROM ");
    source.push(&mut sql, "e", &FACTS, Rows::Session(session_id));
    sql.push(" HAVING count(*) > 0");
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
    if session_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new("SELECT k.session_id, t.* FROM unnest(");
    sql.push_bind(session_ids.to_vec())
        .push("::text[]) WITH ORDINALITY AS k(session_id, place) CROSS JOIN LATERAL (SELECT ");
    sql.push(TOTALS).push(" FROM ");
    source.push(&mut sql, "e", &FACTS, Rows::SessionOf("k.session_id"));
    sql.push(" HAVING count(*) > 0) AS t ORDER BY k.place");
    sql.build_query_as().fetch_all(conn).await
}
