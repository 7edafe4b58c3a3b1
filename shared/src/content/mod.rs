//! What was said in a request, in one shape for every API and every release of LiteLLM.
//!
//! [`normalise`] reads what LiteLLM stored of a request into [`Message`]s. A [`Conversation`] then tells, over the
//! requests of a session, which messages of each prompt are new: a chat request repeats all that was said before it.
//!
//! None of it can be read outside of this crate before [`Content::disclose`] was told how much its reader may see.

mod alignment;
mod availability;
mod blocks;
mod chat;
mod conversation;
mod credentials;
mod disclosure;
mod events;
mod fingerprint;
mod instructions;
mod json;
mod latest_turn;
mod marks;
mod media;
mod message;
mod metadata;
mod other_apis;
mod parameters;
mod part;
mod prompt;
mod redaction;
mod response;
mod responses;
mod stream;
#[cfg(test)]
mod tests;
mod tip;
mod withheld;

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::availability::Stored;
pub use self::availability::{Availability, Reason, SideAvailability};
pub use self::conversation::Conversation;
pub use self::credentials::RowKeys;
pub use self::disclosure::{Disclosed, Disclosure};
pub use self::message::{Message, Part, Source, ToolCall, Truncation};
pub use self::parameters::bare_url;
pub use self::redaction::Redaction;

/// What LiteLLM stored of a request's content. Columns and keys that a release does not have are `None`.
/// To be read by [`normalise`] only: it holds what must not be shown to anyone.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is what a column says, and any may come with any other")]
pub struct StoredContent {
    /// The call's id, the same in both rows of a call that LiteLLM logged twice.
    pub(crate) call_id: Option<String>,
    /// The column `call_type`: which API the request was made to. Empty for failures of releases up to 1.80.
    pub(crate) call_type: String,
    /// Whether the request failed.
    pub(crate) failed: bool,
    /// Whether the log no longer has the request.
    pub(crate) deleted: bool,
    /// Whether LiteLLM's cache answered, with a response that it gave before.
    pub(crate) cached: bool,
    /// The tokens of the prompt, as the provider counted them.
    pub(crate) prompt_tokens: Option<u64>,
    /// The column `messages`: the prompt in 1.61, the events of a realtime session since 1.83, otherwise `{}`.
    pub(crate) messages: Option<Box<RawValue>>,
    /// The column `proxy_server_request`: the request's body since 1.72. The keys `metadata` and `litellm_metadata`
    /// are not needed.
    pub(crate) proxy_server_request: Option<Box<RawValue>>,
    /// Whether `proxy_server_request` has one of these two keys: LiteLLM stored the whole body then.
    pub(crate) has_request_metadata: bool,
    /// The column `response`.
    pub(crate) response: Option<Box<RawValue>>,
    /// `metadata->>'proxy_server_request'`: the request's body as a text of JSON, in 1.67.
    pub(crate) logged_request: Option<String>,
    /// `metadata->'mcp_tool_call_metadata'`: the call of an MCP tool, which is there even if prompts are not stored.
    pub(crate) mcp_tool_call: Option<Box<RawValue>>,
    /// `metadata->>'cold_storage_object_key'`: where LiteLLM put the content instead.
    pub(crate) cold_storage_object_key: Option<String>,
    /// `metadata->'error_information'`: why the request failed, or what went wrong with one that succeeded (the client
    /// went away). If there is no response, this is why.
    pub(crate) error: Option<Box<RawValue>>,
}

/// A request's content, of which [`Self::disclose`] gives its reader as much as they may see.
#[derive(Debug)]
pub struct Content {
    /// What was sent, its system prompt first.
    prompt: Vec<Message>,
    /// What came back: a message, or several alternatives (see [`Message::choice`]), or several in turn.
    response: Vec<Message>,
    /// The model parameters of the request, without the conversation and without credentials.
    parameters: Map<String, Value>,
    /// The prompt as the client sent it, where [`normalise_with_sent`] kept it.
    sent: Option<Value>,
    /// The response as it is stored.
    raw_response: Option<Box<RawValue>>,
    /// Whether prompt and response are there, and complete.
    availability: Availability,
    /// How the prompt relates to the requests before it.
    history: History,
    /// What another row of the same exchange has as well.
    exchange: ExchangeIds,
}

/// The ids of a call and of its response, by which two rows are known for one exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ExchangeIds {
    call: Option<String>,
    /// The provider's; none if LiteLLM's cache answered, whose response has the id of the first one.
    response: Option<String>,
}

impl Content {
    /// Only what the request adds to its session: of the prompt the messages that are `new` (see
    /// [`Conversation::add`]), and the response's messages. All that is left out costs nothing to disclose.
    #[must_use]
    pub fn added(mut self, new: &[bool]) -> Self {
        let mut new = new.iter();
        self.prompt.retain(|_| new.next().copied().unwrap_or(true));
        Self { parameters: Map::new(), sent: None, raw_response: None, ..self }
    }

    /// As [`Self::added`] for a request that [`Conversation::repeats`]: it adds nothing.
    #[must_use]
    pub fn nothing_added(mut self) -> Self {
        self.response.clear();
        self.prompt.clear();
        self.added(&[])
    }
}

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
enum CallKind {
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

impl CallKind {
    fn new(call_type: &str) -> Self {
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
    fn is_responses(self, body: &Map<String, Value>) -> bool {
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

    fn history(self, body: &Map<String, Value>) -> History {
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

/// Reads what was stored of a request. Any JSON will do: what is not understood is passed on as it is.
#[must_use]
pub fn normalise(stored: StoredContent) -> Content {
    read(stored, false)
}

/// As [`normalise`], and keeps the prompt as the client sent it ([`Disclosed::sent`]), which costs a copy.
#[must_use]
pub fn normalise_with_sent(stored: StoredContent) -> Content {
    read(stored, true)
}

fn read(mut stored: StoredContent, keep_sent: bool) -> Content {
    stored.response = stored.response.map(credentials::without_headers);
    let kind = CallKind::new(&stored.call_type);
    let mut found = prompt::read(&stored, kind, keep_sent);
    name_results(&mut found.messages);
    let Answer { mut messages, id } = read_response(&stored, kind);
    if kind == CallKind::Realtime {
        leave_out_sent(&mut messages, &found.messages);
    }
    let response = &mut messages;
    let answered = response.iter().any(Message::has_content);
    if stored.failed && !answered {
        // A failed request has no response; redaction puts its mark there all the same.
        response.clear();
    }
    let failed = stored.failed || stored.error.as_ref().is_some_and(|raw| !json::is_blank(&json::lenient(raw.get())));
    let missing = match &stored.cold_storage_object_key {
        _ if stored.deleted => Reason::Deleted,
        Some(key) if !key.is_empty() => Reason::ColdStorage,
        _ => Reason::NotStored,
    };
    let missing_response = if failed { Reason::FailedRequest } else { missing };
    let availability = Availability::new(
        SideAvailability::of(
            &found.messages,
            Stored { missing, cut: found.cut, redacted: found.redacted, partial: found.partial },
        ),
        SideAvailability::of(response, Stored::or(missing_response)),
    );
    Content {
        prompt: found.messages,
        response: messages,
        parameters: found.parameters,
        sent: found.sent,
        // LiteLLM's empty values for what it did not store.
        raw_response: stored
            .response
            .filter(|raw| !matches!(raw.get(), "{}" | "null" | "[]") && !grants_session(&stored.call_type)),
        availability,
        history: if found.partial && found.history == History::Repeated { History::Turn } else { found.history },
        exchange: ExchangeIds {
            call: stored.call_id.filter(|id| !id.is_empty()),
            response: id.filter(|_| !stored.cached),
        },
    }
}

/// Gives the results of tools the names that their calls have.
fn name_results(messages: &mut [Message]) {
    let calls = messages.iter().flat_map(|message| &message.tool_calls);
    let names: HashMap<String, String> = calls
        .filter_map(|call| Some((call.id.clone()?, call.name.clone())))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    for message in messages.iter_mut().filter(|message| message.role == "tool" && message.name.is_none()) {
        message.name = message.tool_call_id.as_ref().and_then(|id| names.get(id)).cloned();
    }
}

/// Leaves out what the events of a realtime session repeat of the messages that were sent.
fn leave_out_sent(response: &mut Vec<Message>, prompt: &[Message]) {
    let mut sent: Vec<&str> = prompt.iter().filter_map(user_text).collect();
    response.retain(|message| {
        let same = user_text(message).and_then(|text| sent.iter().position(|sent| *sent == text));
        if let Some(index) = same {
            sent.swap_remove(index);
        }
        same.is_none()
    });
}

fn user_text(message: &Message) -> Option<&str> {
    let only_text = message.role == "user" && message.tool_calls.is_empty() && message.parts.is_empty();
    message.text.as_deref().filter(|_| only_text)
}

/// Whether a response of this call type is a credential: it lets a client into a realtime session.
fn grants_session(call_type: &str) -> bool {
    ["client_secret", "transcription_session"].iter().any(|part| call_type.contains(part))
}

/// What came back, and the id that the provider gave it.
struct Answer {
    messages: Vec<Message>,
    id: Option<String>,
}

fn read_response(stored: &StoredContent, kind: CallKind) -> Answer {
    let call = stored.mcp_tool_call.as_ref().map(|raw| json::lenient(raw.get()));
    let tool = call.as_ref().and_then(|call| Some(call.get("name")?.as_str()?.to_owned()));
    let mut value = stored.response.as_ref().map(|raw| json::lenient(raw.get())).unwrap_or_default();
    if grants_session(&stored.call_type) {
        if let Value::Object(map) = &mut value {
            map.remove("value");
        }
        value = parameters::masked(value, false);
    }
    if !json::is_blank(&value) {
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        return Answer { messages: response::read(value, kind, tool), id };
    }
    // The result of an MCP tool may be in the metadata only.
    let messages = match call {
        Some(Value::Object(mut call)) => {
            json::take(&mut call, "result").map(|result| other_apis::mcp_result(result, tool)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    Answer { messages, id: None }
}
