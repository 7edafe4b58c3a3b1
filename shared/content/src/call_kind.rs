//! The kinds of APIs, as far as their content is stored differently.

use serde_json::{Map, Value};

use super::json;

/// How a prompt relates to the requests before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// It repeats the conversation so far, as the chat APIs need it.
    Repeated,
    /// It holds only what is new, since the provider keeps the conversation (`previous_response_id`, A2A).
    Kept,
    /// It is the last user message only: LiteLLM stored no more of it.
    Turn,
    /// It is no part of a conversation: embeddings, images, tool calls and the like.
    #[default]
    None,
}

/// The APIs as far as their content is stored differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// Chat completions, Anthropic messages and Gemini.
    Chat,
    Responses,
    Realtime,
    Mcp,
    Agent,
    /// Embeddings: their vectors are large, and call nothing.
    Embedding,
    /// The compaction of a conversation: its items, and what stands for them from then on.
    Compaction,
    /// Images, speech, moderation, text completions and others without a conversation.
    Single,
    /// Any API: a pass-through endpoint, or a failure of a release that does not store which one it was.
    Unknown,
}

/// Whether the prompts of this call type repeat the conversation so far, as far as the type tells.
#[must_use]
pub fn repeats_history(call_type: &str) -> bool {
    matches!(CallKind::new(call_type), CallKind::Chat | CallKind::Responses | CallKind::Unknown)
}

impl CallKind {
    pub(crate) fn new(call_type: &str) -> Self {
        let holds = |parts: &[&str]| parts.iter().any(|part| call_type.contains(part));
        if call_type.is_empty() || holds(&["pass_through", "passthrough"]) {
            Self::Unknown
        } else if crate::calls::is_embedding(call_type) {
            Self::Embedding
        } else if holds(&["mcp"]) {
            Self::Mcp
        } else if holds(&["realtime"]) {
            // What prepares a session (`acreate_realtime_client_secret`, `arealtime_calls`) is none.
            if matches!(call_type.trim_start_matches('_'), "arealtime" | "realtime") {
                Self::Realtime
            } else {
                Self::Single
            }
        } else if holds(&["compact_responses"]) {
            Self::Compaction
        } else if holds(&["response"]) {
            Self::Responses
        } else if holds(&["send_message", "a2a"]) {
            Self::Agent
        } else if holds(&[
            "text_completion",
            "embedding",
            "image",
            "video",
            "speech",
            "transcription",
            "moderation",
            "rerank",
            "search",
        ]) {
            Self::Single
        } else {
            Self::Chat
        }
    }

    /// Whether `input` is that of the Responses API.
    pub(crate) fn is_responses(self, body: &Map<String, Value>) -> bool {
        let items = || match body.get("input") {
            Some(Value::Array(items)) => items.iter().any(Value::is_object),
            _ => false,
        };
        match self {
            Self::Responses | Self::Compaction => true,
            // 1.80 logs a request for another provider under the call it was turned into.
            Self::Chat => json::has(body, "input"),
            Self::Unknown => {
                let own = ["instructions", "previous_response_id", "max_output_tokens", "truncation"];
                own.iter().any(|key| json::has(body, key)) || items()
            }
            Self::Realtime | Self::Mcp | Self::Agent | Self::Embedding | Self::Single => false,
        }
    }

    pub(crate) fn history(self, body: &Map<String, Value>) -> History {
        if self == Self::Compaction {
            return History::None;
        }
        let kept = ["previous_response_id", "previous_interaction_id", "conversation"];
        let kept = kept.iter().any(|key| json::has(body, key));
        // Only the Responses API keeps a conversation; elsewhere these keys are the client's own.
        if kept && (self == Self::Responses || !json::has(body, "messages")) {
            return History::Kept;
        }
        let repeats = json::has(body, "messages") || json::has(body, "contents") || self.is_responses(body);
        match self {
            Self::Responses => History::Repeated,
            // 1.61 has the messages elsewhere, and no body.
            Self::Chat if body.is_empty() => History::Repeated,
            Self::Chat | Self::Unknown if repeats => History::Repeated,
            Self::Agent => History::Kept,
            Self::Chat
            | Self::Unknown
            | Self::Realtime
            | Self::Mcp
            | Self::Embedding
            | Self::Compaction
            | Self::Single => History::None,
        }
    }
}
