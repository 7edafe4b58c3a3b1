//! The whole window in one row.

use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use utoipa::ToSchema;

use super::Question;
use crate::db::Connection;
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

const SUMMED: [Fact; 6] =
    [Fact::TotalTokens, Fact::Spend, Fact::DurationMs, Fact::CacheHit, Fact::ToolCalls, Fact::Status];

/// The totals of the requests in question.
///
/// # Errors
/// Whatever the database reports.
pub async fn overview(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Overview> {
    // Two passes: the sums need the fat responses, and grouping by session would carry those through a sort; the distinct
    // counts come from few narrow rows.
    let mut sql = QueryBuilder::new(
        "SELECT t.*, d.* FROM (SELECT count(*) AS total_requests, COALESCE(sum(f.total_tokens), 0)::bigint AS total_tokens, \
         COALESCE(sum(f.spend::numeric), 0)::float8 AS total_cost, \
         COALESCE(avg(f.duration_ms) / 1000, 0)::float8 AS avg_response_time, \
         count(*) FILTER (WHERE f.cache_hit) AS cache_hits, \
         COALESCE(sum(f.tool_calls), 0)::bigint AS total_function_calls, \
         COALESCE(round(100.0 * count(*) FILTER (WHERE f.cache_hit) / NULLIF(count(*), 0), 2), 0)::float8 \
           AS cache_hit_rate, \
         count(*) FILTER (WHERE f.status = 'failure') AS failed_requests",
    );
    question.push_from(&mut sql, source, &SUMMED);
    sql.push(
        ") AS t, (SELECT count(DISTINCT g.session_id) AS unique_sessions, count(DISTINCT g.user_id) AS unique_users \
         FROM (SELECT DISTINCT f.session_id, f.user_id",
    );
    question.push_from(&mut sql, source, &[Fact::SessionId, Fact::UserId]);
    sql.push(") AS g) AS d");
    sql.build_query_as().fetch_one(conn).await
}
