//! One request with its stored prompt and response, as the database has them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::types::Json;
use traceability_content::{PROMPTS, StoredContent};
use traceability_facts::Fact;

use crate::position::RequestPosition;

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

pub(super) const FACTS: [Fact; 16] = [
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
