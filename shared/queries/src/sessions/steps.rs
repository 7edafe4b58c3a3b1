//! All requests of a session in their order, without content: its steps.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_facts::{Fact, RowSelector};

use crate::Source;
use crate::real_ids::RealIds;
use crate::source::SourceConnection;

/// One request of a session, without content.
#[derive(Debug, Clone, FromRow)]
pub struct StepRow {
    /// LiteLLM's request id.
    pub request_id: String,
    /// `x-litellm-call-id`; `None` in releases that do not store it.
    pub call_id: Option<String>,
    /// When the proxy received the request.
    pub started_at: DateTime<Utc>,
    /// When the response was complete; before the start where a clock was wrong.
    pub ended_at: DateTime<Utc>,
    /// Milliseconds from start to end.
    pub duration_ms: i64,
    /// Milliseconds to the first token; `None` where the response was not streamed.
    pub ttft_ms: Option<i64>,
    /// The deployed model, as LiteLLM wrote it.
    pub model: String,
    /// The model's public name.
    pub model_group: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// LiteLLM's call type.
    pub call_type: Option<String>,
    /// `success` or `failure`.
    pub status: String,
    /// The class of the error of a failed request.
    pub error_class: Option<String>,
    /// The agent; `None` where nobody named one.
    pub agent_name: Option<String>,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the completion.
    pub completion_tokens: i64,
    /// Prompt tokens that the provider read from its own cache; `None` where LiteLLM kept no usage.
    pub cached_tokens: Option<i64>,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub cost: f64,
    /// US dollars of all requests up to this one, summed exactly.
    pub running_cost: f64,
    /// Whether LiteLLM's own response cache answered.
    pub cache_hit: bool,
    /// Tool calls.
    pub tool_calls: i64,
    /// Whether they were counted, see `function_calls_exact` of a session.
    pub tool_calls_exact: bool,
    /// The distinct names of the called tools, as far as they are known.
    pub tools: Vec<String>,
}

const FACTS: [Fact; 22] = [
    Fact::RequestId,
    Fact::CallId,
    Fact::StartedAt,
    Fact::EndedAt,
    Fact::DurationMs,
    Fact::TtftMs,
    Fact::Model,
    Fact::ModelGroup,
    Fact::Provider,
    Fact::CallType,
    Fact::Status,
    Fact::ErrorClass,
    Fact::AgentName,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::CachedTokens,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::CacheHit,
    Fact::ToolCalls,
    Fact::ToolCallsExact,
    Fact::Tools,
];

/// The first `limit` requests of a session, oldest first; none where it has no request that the caller may see.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn steps(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    limit: u32,
) -> Result<Vec<StepRow>, DbError> {
    let mut sql = Source { facts: &db.facts, scope }.requests(&FACTS, RowSelector::Session(session_id));
    sql.push(
        " SELECT f.request_id, f.call_id, f.started_at AT TIME ZONE 'UTC' AS started_at, \
         f.ended_at AT TIME ZONE 'UTC' AS ended_at, f.duration_ms::bigint AS duration_ms, f.ttft_ms::bigint AS ttft_ms, \
         COALESCE(f.model, '') AS model, f.model_group, f.provider, f.call_type, f.status, f.error_class, f.agent_name, \
         f.prompt_tokens::bigint, f.completion_tokens::bigint, f.cached_tokens::bigint, f.total_tokens::bigint, \
         f.spend AS cost, (sum(f.spend::numeric) OVER (ORDER BY f.started_at, f.request_id \
         ROWS UNBOUNDED PRECEDING))::float8 AS running_cost, f.cache_hit, f.tool_calls, f.tool_calls_exact, \
         COALESCE(f.tools, '{}') AS tools FROM requests AS f ORDER BY f.started_at, f.request_id LIMIT ",
    );
    sql.push_bind(i64::from(limit));
    let mut rows: Vec<StepRow> = sql.build_query_as().fetch_all(&mut db.conn).await?;
    let mut ids: Vec<(&str, DateTime<Utc>)> = Vec::new();
    for row in &rows {
        ids.push((&row.request_id, row.started_at));
        ids.extend(row.call_id.as_deref().map(|id| (id, row.started_at)));
    }
    let real_ids = RealIds::of(db, scope, ids).await?;
    for row in &mut rows {
        row.request_id = real_ids.whole(std::mem::take(&mut row.request_id));
        row.call_id = row.call_id.take().map(|id| real_ids.whole(id));
    }
    Ok(rows)
}
