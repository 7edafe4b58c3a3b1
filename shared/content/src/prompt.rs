//! Finding the prompt: each release of LiteLLM keeps it elsewhere, and each API calls it differently.

use serde_json::{Map, Value};

use super::call_kind::CallKind;
use super::json::{self, has};
use super::message::{Message, Source};
use super::{History, StoredContent, chat, events, latest_turn, media, other_apis, parameters, responses};

/// Keys of what the proxy stamps into a body. A broken prompt with one of them in it has swallowed another entry.
const STAMPED: &[&str] = &["\"metadata\"", "\"litellm_metadata\"", "\"headers\"", "api_key", "uthorization\""];

/// Where the prompts of other calls are.
const PROMPTS: &[&str] = &["messages", "contents", "input", "prompt", "query", "params"];

/// What was found of a prompt.
#[derive(Default)]
pub struct Prompt {
    pub messages: Vec<Message>,
    pub parameters: Map<String, Value>,
    /// The prompt as the client sent it, if it was asked for.
    pub sent: Option<Value>,
    pub history: History,
    /// The stored request was cut off.
    pub cut: bool,
    /// LiteLLM's mark for a redacted prompt stood beside content that it had left in place.
    pub redacted: bool,
    /// Only the last user message was stored.
    pub partial: bool,
}

/// The stored request's body.
///
/// Releases since 1.72 have a column for it; 1.67 keeps it as a text of JSON in the metadata, which may be cut off.
fn body(stored: &StoredContent) -> (Option<Value>, bool) {
    if let Some(raw) = &stored.proxy_server_request {
        let value = json::lenient(raw.get());
        if !json::is_blank(&value) {
            return unwrapped(value);
        }
    }
    match &stored.logged_request {
        Some(text) if !text.trim().is_empty() => unwrapped(Value::String(text.clone())),
        _ => (None, false),
    }
}

/// The body within what was stored: a text of JSON is read, and `{url, method, headers, body}` is opened.
fn unwrapped(value: Value) -> (Option<Value>, bool) {
    let (mut map, cut) = match value {
        Value::String(text) => match json::structured(&text) {
            Some(Value::Object(map)) => (map, false),
            Some(other) => return (Some(other), false),
            None if text.trim_start().starts_with('{') => (salvaged(&text), true),
            None => return (Some(Value::String(text)), false),
        },
        Value::Object(map) => (map, false),
        other => return (Some(other), false),
    };
    if map.contains_key("headers")
        && let Some(Value::Object(body)) = map.get_mut("body").map(Value::take)
    {
        return (Some(Value::Object(body)), cut);
    }
    let body = Value::Object(map);
    ((!json::is_blank(&body)).then_some(body), cut)
}

/// What can be read of a request whose JSON is broken. Of its broken entries only a prompt is kept, as text; anything
/// else may be what must not be shown.
fn salvaged(text: &str) -> Map<String, Value> {
    let (mut map, broken) = json::salvage(text);
    for (key, value) in broken {
        // What follows a truncation mark belongs to any other entry.
        let shown = super::marks::cut(value).map_or(value, |cut| &value[..value.len() - cut.tail.len()]);
        let stamped = STAMPED.iter().any(|key| shown.contains(key));
        if matches!(key.as_str(), "messages" | "input" | "prompt") && !stamped {
            map.insert(key, Value::String(shown.trim().to_owned()));
        }
    }
    map
}

/// Reads the prompt of a row.
pub fn read(stored: &StoredContent, kind: CallKind, keep_sent: bool) -> Prompt {
    let (body, cut) = body(stored);
    let sent = body.as_ref().filter(|_| keep_sent).and_then(parameters::sent);
    let partial = body
        .as_ref()
        .and_then(Value::as_object)
        .is_some_and(|map| !stored.has_request_metadata && latest_turn::is_latest_turn(map, stored.prompt_tokens));
    let mut prompt = match body {
        Some(Value::Object(map)) => of_body(map, kind),
        // The request itself was a list or a text: no shape of a request that is known.
        Some(other) => {
            let messages = chat::messages(parameters::masked(other, false), Source::Prompt);
            Prompt { messages, ..Prompt::default() }
        }
        None => Prompt { history: kind.history(&Map::new()), ..Prompt::default() },
    };
    prompt.cut = cut;
    prompt.partial = partial;
    let column = stored.messages.as_ref().map(|raw| json::lenient(raw.get()));
    let not_stored = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    let logged = column.as_ref().filter(|value| keep_sent && !not_stored(value)).cloned();
    // The events of a realtime session declare tools, with credentials.
    let shown = |value| if kind == CallKind::Realtime { parameters::masked(value, false) } else { value };
    prompt.sent = sent.or_else(|| logged.map(shown));
    if let Some(messages) = column.filter(|value| !json::is_blank(value)) {
        // 1.61 stores chat messages here, and whatever an embedding or an image was asked for as one; later releases
        // only the events of realtime sessions.
        prompt.messages = match kind {
            CallKind::Realtime => events::read(messages, Source::Prompt),
            _ => chat::messages(messages, Source::Prompt),
        };
        prompt.redacted = false;
        prompt.partial = false;
    }
    if prompt.messages.is_empty() {
        prompt.messages.extend(metadata_call(stored));
    }
    for message in &mut prompt.messages {
        message.read_marks();
    }
    prompt
}

/// The call of an MCP tool as the metadata has it.
fn metadata_call(stored: &StoredContent) -> Option<Message> {
    let Value::Object(mut call) = json::lenient(stored.mcp_tool_call.as_ref()?.get()) else {
        return None;
    };
    let name = json::take_text(&mut call, "name")?;
    Some(other_apis::mcp_call(name, call.remove("arguments").unwrap_or_default()))
}

fn of_body(mut map: Map<String, Value>, kind: CallKind) -> Prompt {
    let parameters = parameters::parameters(&map);
    let history = kind.history(&map);
    let redacted = is_redacted(map.get("messages"));
    if redacted && beside_redaction(&map, kind) {
        // LiteLLM redacts what is called messages, input and prompt, and leaves other APIs' words for it in place.
        for key in ["messages", "input", "prompt"] {
            map.remove(key);
        }
    }
    let messages = messages(map, kind);
    Prompt { messages, parameters, history, cut: false, redacted, ..Prompt::default() }
}

fn is_redacted(messages: Option<&Value>) -> bool {
    let Some([only]) = messages.and_then(Value::as_array).map(Vec::as_slice) else {
        return false;
    };
    only.get("content").and_then(Value::as_str).is_some_and(super::marks::is_redacted)
}

fn beside_redaction(map: &Map<String, Value>, kind: CallKind) -> bool {
    has(map, "contents") || has(map, "params") || has(map, "query") || is_mcp_call(map, kind)
}

fn is_mcp_call(map: &Map<String, Value>, kind: CallKind) -> bool {
    // Releases that do not store the call type of a failure store its body all the same.
    let bare = || kind == CallKind::Unknown && has(map, "arguments") && !PROMPTS.iter().any(|key| has(map, key));
    map.get("name").is_some_and(Value::is_string) && (kind == CallKind::Mcp || bare())
}

fn messages(mut map: Map<String, Value>, kind: CallKind) -> Vec<Message> {
    let mut messages = Vec::new();
    for key in ["system", "systemInstruction", "system_instruction"] {
        if has(&map, key) {
            messages.extend(other_apis::gemini_system(map.remove(key).unwrap_or_default()));
        }
    }
    let is_responses = kind.is_responses(&map);
    if has(&map, "instructions") && is_responses {
        messages.extend(chat::system(map.remove("instructions").unwrap_or_default()));
    }
    let first = ["messages", "contents", "input", "prompt"].into_iter().find(|key| has(&map, key));
    if is_mcp_call(&map, kind) {
        let name = json::take_text(&mut map, "name").unwrap_or_default();
        messages.push(other_apis::mcp_call(name, map.remove("arguments").unwrap_or_default()));
    } else if let Some(Value::Object(params)) = map.get("params").filter(|params| params.get("message").is_some()) {
        messages.extend(other_apis::a2a_message(params));
    } else if let Some(key) = first {
        let value = map.remove(key).unwrap_or_default();
        messages.extend(match key {
            "messages" => chat::messages(value, Source::Prompt),
            "contents" => other_apis::gemini_contents(value),
            "input" if is_responses => responses::items(value, Source::Prompt),
            _ => media::inputs(value),
        });
    } else if has(&map, "query") {
        messages.extend(media::query(&map));
    } else {
        let rest = json::prune_map(parameters::unknown(map));
        if !rest.is_empty() {
            messages.push(Message::with_raw(Source::Prompt, super::message::UNKNOWN_ROLE, Value::Object(rest)));
        }
    }
    messages
}
