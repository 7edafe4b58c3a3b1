//! The response, in whichever of its shapes it was stored.

use serde_json::{Map, Value};

use super::json::{self, has, take, take_text};
use super::message::{Message, Source};
use super::{CallKind, chat, media, other_apis, responses, stream};

/// How often a stored text may turn out to be JSON that again holds a response.
const NESTING: u8 = 4;

/// Reads a stored response. `tool` is the name of the MCP tool that was called, if one was.
pub fn read(response: Value, kind: CallKind, tool: Option<String>) -> Vec<Message> {
    let mut messages = nested(response, kind, tool, NESTING);
    for message in &mut messages {
        message.read_marks();
    }
    messages
}

fn nested(response: Value, kind: CallKind, tool: Option<String>, depth: u8) -> Vec<Message> {
    match response {
        value if json::is_blank(&value) => Vec::new(),
        Value::Object(map) => of_object(map, kind, tool, depth),
        Value::String(text) => of_text(text, kind, tool, depth),
        Value::Array(_) if kind == CallKind::Realtime => other_apis::realtime(response, Source::Response),
        Value::Array(_) if kind == CallKind::Mcp => vec![other_apis::mcp_tools(response)],
        other => vec![Message::with_raw(Source::Response, "assistant", other)],
    }
}

/// The text of a pass-through endpoint: JSON, a stream of events, or what it says.
fn of_text(text: String, kind: CallKind, tool: Option<String>, depth: u8) -> Vec<Message> {
    if depth > 0
        && let Some(value) = json::structured(&text)
    {
        return nested(value, kind, tool, depth - 1);
    }
    if let Some(message) = stream::read(&text) {
        return vec![message];
    }
    let role = if kind == CallKind::Mcp { "tool" } else { "assistant" };
    let mut message = Message::with_text(Source::Response, role, text);
    message.name = tool;
    vec![message]
}

fn of_object(mut map: Map<String, Value>, kind: CallKind, tool: Option<String>, depth: u8) -> Vec<Message> {
    let list = |map: &mut Map<String, Value>, key: &str| match map.get(key) {
        Some(Value::Array(items)) if !items.is_empty() => match map.remove(key) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        },
        _ => None,
    };
    if let Some(choices) = list(&mut map, "choices") {
        return chat::choices(choices);
    }
    if let Some(output) = list(&mut map, "output") {
        return responses::items(Value::Array(output), Source::Response);
    }
    if let Some(candidates) = list(&mut map, "candidates") {
        return other_apis::gemini_candidates(candidates);
    }
    if kind == CallKind::Mcp && !is_text_only(&map) {
        return other_apis::mcp_result(Value::Object(map), tool);
    }
    if kind == CallKind::Realtime {
        return realtime(map);
    }
    if has(&map, "content") {
        return anthropic(map);
    }
    if let Some(Value::Object(result)) = map.get("result")
        && other_apis::is_a2a_result(result)
    {
        let result = result.clone();
        return other_apis::a2a_result(result);
    }
    if let Some(data) = list(&mut map, "data") {
        return media::data(data);
    }
    if has(&map, "results") {
        return media::results(map);
    }
    if json::text(&map, "object") == Some("binary") {
        return media::binary(map);
    }
    for key in ["text", "response", "result", "output"] {
        if let Some(Value::String(_)) = map.get(key) {
            let text = take_text(&mut map, key).unwrap_or_default();
            let mut messages = of_text(text, kind, tool, depth);
            if let Some(message) = messages.first_mut() {
                message.keep(without_bookkeeping(map));
            }
            return messages;
        }
    }
    if let Some(inner) = take(&mut map, "response").filter(|_| depth > 0) {
        return nested(inner, kind, tool, depth - 1);
    }
    vec![Message::with_raw(Source::Response, "assistant", Value::Object(map))]
}

fn is_text_only(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.get("text").is_some_and(Value::is_string)
}

/// What is left of a response is not repeated where columns of the table have it.
fn without_bookkeeping(mut map: Map<String, Value>) -> Map<String, Value> {
    for key in ["id", "jsonrpc", "model", "object", "usage", "created", "_hidden_params"] {
        map.remove(key);
    }
    map
}

/// An Anthropic message as it came: pass-through endpoints store it so.
fn anthropic(mut map: Map<String, Value>) -> Vec<Message> {
    let mut message = Map::new();
    for key in ["role", "content"] {
        if let Some(value) = map.remove(key) {
            message.insert(key.to_owned(), value);
        }
    }
    chat::message(Value::Object(message), Source::Response, "assistant")
}

/// The events of a realtime session, and the tool calls LiteLLM found in them.
fn realtime(mut map: Map<String, Value>) -> Vec<Message> {
    let mut messages = Vec::new();
    for key in ["results", "events", "response"] {
        if let Some(events) = take(&mut map, key) {
            messages.extend(other_apis::realtime(events, Source::Response));
        }
    }
    let known = messages.iter().any(|message| !message.tool_calls.is_empty());
    if let Some(Value::Array(calls)) = take(&mut map, "tool_calls").filter(|_| !known) {
        let mut message = Message::new(Source::Response, "assistant");
        message.tool_calls = calls.into_iter().filter_map(chat::tool_call).collect();
        messages.push(message);
    }
    let rest = json::prune_map(without_bookkeeping(map));
    if messages.is_empty() && !rest.is_empty() {
        messages.push(Message::with_raw(Source::Response, "assistant", Value::Object(rest)));
    }
    messages
}
