//! By agent.

use serde::Serialize;
use traceability_facts::measures::{CACHE_HITS, DURATION_MS, FAILED_REQUESTS, SPEND, TOOL_CALLS, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{RowFigures, row_figures};
use super::report::{Extras, Report};
use super::{Extra, Group, Spec, as_f64, percentage};

/// What one agent did.
#[derive(Debug, Clone, Serialize, ToSchema)]
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
    /// What was asked for beside them.
    #[serde(flatten)]
    pub extras: Extras,
}

impl Report for AgentPerformance {
    const SPEC: Spec = Spec {
        extras: &[Extra::Sessions],
        ..Spec::new(&[TOTAL_TOKENS, SPEND, DURATION_MS, TOOL_CALLS, CACHE_HITS, FAILED_REQUESTS])
    };

    fn of(group: &Group) -> Self {
        let figures = &group.figures;
        Self {
            agent_name: group.keys.first().cloned().unwrap_or_default(),
            unique_sessions: group.sessions,
            total_interactions: figures.requests,
            avg_response_time: figures.avg_duration,
            total_tokens_used: figures.total_tokens,
            total_cost: figures.spend,
            avg_conversation_length: as_f64(figures.requests) / as_f64(group.sessions.max(1)),
            function_calls: figures.tool_calls,
            cache_hit_rate: percentage(figures.cache_hits, figures.requests),
            failed_requests: figures.failed_requests,
            extras: Extras::default(),
        }
    }

    fn figures(&self) -> RowFigures {
        row_figures!(
            self,
            unique_sessions,
            total_interactions,
            avg_response_time,
            total_tokens_used,
            total_cost,
            avg_conversation_length,
            function_calls,
            cache_hit_rate,
            failed_requests
        )
    }

    fn extras(&mut self) -> &mut Extras {
        &mut self.extras
    }
}
