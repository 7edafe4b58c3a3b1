//! By agent.

use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use utoipa::ToSchema;

use super::{MOST_GROUPS, Question, percentage_of_requests};
use crate::db::Connection;
use crate::facts::Fact;
use crate::queries::Source;

/// What one agent did.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct AgentPerformance {
    /// The agent, `unknown` for requests that name none.
    pub agent_name: String,
    /// Sessions with a request of the agent.
    pub unique_sessions: i64,
    /// Requests.
    pub total_interactions: i64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// All tokens.
    pub total_tokens_used: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Requests of the agent per session.
    pub avg_conversation_length: f64,
    /// Tool calls.
    pub function_calls: i64,
    /// How many in 100 requests LiteLLM's own response cache answered.
    pub cache_hit_rate: f64,
    /// Requests that failed.
    pub failed_requests: i64,
}

const FACTS: [Fact; 8] = [
    Fact::AgentName,
    Fact::SessionId,
    Fact::DurationMs,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::ToolCalls,
    Fact::CacheHit,
    Fact::Status,
];

/// The agents of the requests in question, the busiest first.
///
/// # Errors
/// Whatever the database reports.
pub async fn agents(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
) -> sqlx::Result<Vec<AgentPerformance>> {
    let mut sql = QueryBuilder::new(concat!(
        "SELECT COALESCE(f.agent_name, 'unknown') AS agent_name, count(DISTINCT f.session_id) AS unique_sessions, \
         count(*) AS total_interactions, (avg(f.duration_ms) / 1000)::float8 AS avg_response_time, \
         sum(f.total_tokens)::bigint AS total_tokens_used, sum(f.spend::numeric)::float8 AS total_cost, \
         (count(*)::numeric / count(DISTINCT f.session_id))::float8 AS avg_conversation_length, \
         sum(f.tool_calls)::bigint AS function_calls, ",
        percentage_of_requests!("count(*) FILTER (WHERE f.cache_hit)"),
        " AS cache_hit_rate, count(*) FILTER (WHERE f.status = 'failure') AS failed_requests"
    ));
    question.push_from(&mut sql, source, &FACTS);
    sql.push(" GROUP BY 1 ORDER BY total_interactions DESC, 1 LIMIT ").push_bind(MOST_GROUPS);
    sql.build_query_as().fetch_all(conn).await
}
