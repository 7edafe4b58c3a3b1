//! By model and provider.

use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use utoipa::ToSchema;

use super::{MOST_GROUPS, Question, percentage_of_requests};
use crate::db::Connection;
use crate::facts::Fact;
use crate::queries::Source;

/// What one model did at one provider.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ModelUsage {
    /// The model's public name, which is the same in every release of LiteLLM; `unknown` where none was logged.
    pub model: String,
    /// Requests.
    pub total_requests: i64,
    /// Tokens of the prompts.
    pub total_prompt_tokens: i64,
    /// Tokens of the completions.
    pub total_completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Seconds of the quickest request.
    pub min_response_time: f64,
    /// Seconds of the slowest request.
    pub max_response_time: f64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// How many in 100 requests the cache answered.
    pub cache_hit_rate: f64,
    /// The provider, `unknown` where none was logged.
    pub provider: String,
    /// Requests that failed.
    pub failed_requests: i64,
}

const FACTS: [Fact; 9] = [
    Fact::ModelGroup,
    Fact::Provider,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::DurationMs,
    Fact::CacheHit,
    Fact::Status,
];

/// The models of the requests in question, the busiest first.
///
/// # Errors
/// Whatever the database reports.
pub async fn models(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Vec<ModelUsage>> {
    let mut sql = QueryBuilder::new(concat!(
        "SELECT COALESCE(f.model_group, 'unknown') AS model, COALESCE(f.provider, 'unknown') AS provider, \
         count(*) AS total_requests, sum(f.prompt_tokens)::bigint AS total_prompt_tokens, \
         sum(f.completion_tokens)::bigint AS total_completion_tokens, sum(f.total_tokens)::bigint AS total_tokens, \
         sum(f.spend::numeric)::float8 AS total_cost, (avg(f.duration_ms) / 1000)::float8 AS avg_response_time, \
         (min(f.duration_ms) / 1000.0)::float8 AS min_response_time, \
         (max(f.duration_ms) / 1000.0)::float8 AS max_response_time, \
         count(*) FILTER (WHERE f.cache_hit) AS cache_hits, ",
        percentage_of_requests!("count(*) FILTER (WHERE f.cache_hit)"),
        " AS cache_hit_rate, count(*) FILTER (WHERE f.status = 'failure') AS failed_requests"
    ));
    question.push_from(&mut sql, source, &FACTS);
    sql.push(" GROUP BY 1, 2 ORDER BY total_requests DESC, 1, 2 LIMIT ").push_bind(MOST_GROUPS);
    sql.build_query_as().fetch_all(conn).await
}
