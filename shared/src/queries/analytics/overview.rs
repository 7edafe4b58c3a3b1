//! The whole window in one row.

use serde::Serialize;
use sqlx::{FromRow, PgConnection, QueryBuilder};
use utoipa::ToSchema;

use super::Question;
use crate::facts::Fact;
use crate::queries::Source;

/// Totals of a window.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Overview {
    /// Requests.
    pub total_requests: i64,
    /// Sessions with a request in the window.
    pub unique_sessions: i64,
    /// LiteLLM users with a request in the window.
    pub unique_users: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// Tool calls.
    pub total_function_calls: i64,
    /// How many in 100 requests the cache answered.
    pub cache_hit_rate: f64,
    /// Requests that failed.
    pub failed_requests: i64,
}

const FACTS: [Fact; 8] = [
    Fact::SessionId,
    Fact::UserId,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::DurationMs,
    Fact::CacheHit,
    Fact::ToolCalls,
    Fact::Status,
];

/// The totals of the requests in question.
///
/// # Errors
/// Whatever the database reports.
pub async fn overview(conn: &mut PgConnection, source: Source<'_>, question: &Question) -> sqlx::Result<Overview> {
    // Grouping by session and user first leaves few rows for the distinct counts, which would sort every request.
    let mut sql = QueryBuilder::new(
        "SELECT COALESCE(sum(g.requests), 0)::bigint AS total_requests, \
         count(DISTINCT g.session_id) AS unique_sessions, count(DISTINCT g.user_id) AS unique_users, \
         COALESCE(sum(g.tokens), 0)::bigint AS total_tokens, COALESCE(sum(g.cost), 0)::float8 AS total_cost, \
         COALESCE(sum(g.duration_ms) / NULLIF(sum(g.requests), 0) / 1000, 0)::float8 AS avg_response_time, \
         COALESCE(sum(g.cache_hits), 0)::bigint AS cache_hits, \
         COALESCE(sum(g.tool_calls), 0)::bigint AS total_function_calls, \
         COALESCE(round(100.0 * sum(g.cache_hits) / NULLIF(sum(g.requests), 0), 2), 0)::float8 AS cache_hit_rate, \
         COALESCE(sum(g.failures), 0)::bigint AS failed_requests \
         FROM (SELECT f.session_id, f.user_id, count(*) AS requests, sum(f.total_tokens) AS tokens, \
               sum(f.spend::numeric) AS cost, sum(f.duration_ms)::numeric AS duration_ms, \
               count(*) FILTER (WHERE f.cache_hit) AS cache_hits, sum(f.tool_calls) AS tool_calls, \
               count(*) FILTER (WHERE f.status = 'failure') AS failures",
    );
    question.push_from(&mut sql, source, &FACTS);
    sql.push(" GROUP BY f.session_id, f.user_id) AS g");
    sql.build_query_as().fetch_one(conn).await
}
