//! Messages and parameters without what was said: only what is known not to be text of a person or of a model is kept.

use serde_json::{Map, Value};

use super::message::{Message, Part, ToolCall, UNKNOWN_ROLE};

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function", "event"];
/// The kinds of parts that this module or a provider's API gives; a client may write anything there.
const PARTS: &[&str] = &[
    "audio",
    "citation",
    "data",
    "documents",
    "embeddings",
    "file",
    "image",
    "item_reference",
    "moderation",
    "redacted_thinking",
    "refusal",
    "rerank",
    "resource",
    "resource_link",
    "results",
    "search_result",
    "server_tool_result",
    "thinking",
    "token_ids",
    "tool_reference",
    "tool_result",
    "tools",
    "video",
    "web_search_tool_result",
];
/// The kinds of tools, likewise.
const TOOLS: &[&str] = &[
    "apply_patch_call",
    "code_execution_call",
    "code_interpreter_call",
    "computer_call",
    "custom",
    "file_search_call",
    "function",
    "function_call",
    "google_search_call",
    "image_generation_call",
    "local_shell_call",
    "mcp",
    "server_tool",
    "shell_call",
    "tool_search_call",
    "url_context_call",
    "web_search_call",
];
/// Parameters whose text is a setting rather than content.
const PARAMETERS: &[&str] = &["encoding_format", "model", "reasoning_effort", "service_tier"];
/// The first half of a media type.
const MEDIA: &[&str] = &["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"];
/// Formats that stand where a media type should.
const FORMATS: &[&str] = &[
    "aac", "flac", "gif", "jpeg", "jpg", "m4a", "mp3", "mp4", "mpeg", "ogg", "opus", "pcm", "pcm16", "pdf", "png",
    "wav", "webm", "webp",
];
/// The longest name or id.
const LONGEST_NAME: usize = 128;

/// Who spoke, which tools were called, and what was left out already. What a new field is must be decided here.
pub fn message(message: Message) -> Message {
    let Message {
        source,
        role,
        name,
        text: _,
        parts,
        tool_calls,
        tool_call_id,
        refusal: _,
        reasoning: _,
        choice,
        truncated,
        redacted,
        raw: _,
    } = message;
    let of_tool = matches!(role.as_str(), "tool" | "function");
    Message {
        source,
        role: known(role, ROLES),
        name: name.filter(|name| of_tool && is_name(name)),
        text: None,
        parts: parts.into_iter().map(part).collect(),
        tool_calls: tool_calls.into_iter().map(tool_call).collect(),
        tool_call_id: tool_call_id.filter(|id| is_name(id)),
        refusal: None,
        reasoning: None,
        choice,
        truncated,
        redacted,
        raw: None,
    }
}

/// The model parameters that hold no text of the client's.
pub fn parameters(parameters: Map<String, Value>) -> Map<String, Value> {
    let keep = |key: &str, value: &Value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => PARAMETERS.contains(&key) && text.len() <= LONGEST_NAME,
        Value::Array(_) | Value::Object(_) => false,
    };
    parameters.into_iter().filter(|(key, value)| keep(key, value)).collect()
}

fn part(part: Part) -> Part {
    Part {
        kind: known(part.kind, PARTS),
        url: None,
        media_type: part.media_type.filter(|media_type| is_media_type(media_type)),
        name: None,
        left_out_characters: None,
        left_out_sha256: None,
        raw: Value::Null,
    }
}

fn tool_call(call: ToolCall) -> ToolCall {
    ToolCall {
        id: call.id.filter(|id| is_name(id)),
        name: if is_name(&call.name) { call.name } else { UNKNOWN_ROLE.to_owned() },
        kind: known(call.kind, TOOLS),
        arguments: Value::Null,
        arguments_text: None,
    }
}

fn known(text: String, known: &[&str]) -> String {
    if known.contains(&text.as_str()) { text } else { UNKNOWN_ROLE.to_owned() }
}

/// Whether a text has the form of a name or an id; a sentence has not.
pub fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME && text.chars().all(|c| c.is_alphanumeric() || "_-.:/|@#+=".contains(c))
}

fn is_media_type(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
    match text.split_once('/') {
        Some((kind, name)) => MEDIA.contains(&kind) && (1..=80).contains(&name.len()) && name.chars().all(plain),
        None => FORMATS.contains(&text),
    }
}
