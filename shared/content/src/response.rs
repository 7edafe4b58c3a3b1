//! The response, in whichever of its shapes it was stored.

use serde_json::{Map, Value};

use super::call_kind::CallKind;
use super::json::{self, has, take, take_list, take_text};
use super::message::{Message, Source};
use super::{chat, events, media, other_apis, responses, stream};
use crate::calls::{self, Shape};

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
        Value::Array(_) if kind == CallKind::Mcp => vec![other_apis::mcp_tools(response)],
        Value::Array(_) if kind == CallKind::Embedding => {
            vec![Message::with_raw(Source::Response, "assistant", response)]
        }
        Value::Array(_) if kind == CallKind::Realtime || calls::has_events(&response) => {
            events::read(response, Source::Response)
        }
        Value::Array(chunks) if stream::is_stream(&chunks) => {
            let stored = Value::Array(chunks.clone());
            of_stream(&chunks, stored, kind)
        }
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
    let chunks = stream::chunks(&text);
    if !chunks.is_empty() {
        return of_stream(&chunks, Value::String(text), kind);
    }
    let role = if kind == CallKind::Mcp { "tool" } else { "assistant" };
    let mut message = Message::with_text(Source::Response, role, text);
    message.name = tool;
    vec![message]
}

/// What the chunks of a stream add up to, with the stream itself beside it.
fn of_stream(chunks: &[Value], stored: Value, kind: CallKind) -> Vec<Message> {
    let mut messages = stream::whole(chunks).map(|whole| of_object(whole, kind, None, 0)).unwrap_or_default();
    match messages.first_mut() {
        Some(message) => message.raw = Some(stored),
        None => messages.push(Message::with_raw(Source::Response, "assistant", stored)),
    }
    messages
}

fn of_object(mut map: Map<String, Value>, kind: CallKind, tool: Option<String>, depth: u8) -> Vec<Message> {
    if !matches!(kind, CallKind::Mcp | CallKind::Embedding)
        && let Some(shape) = Shape::of(&map)
    {
        return of_shape(shape, map);
    }
    if kind == CallKind::Mcp && !is_text_only(&map) {
        return other_apis::mcp_result(Value::Object(map), tool);
    }
    for key in calls::TEXT_KEYS {
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
    without_calls(map, kind)
}

/// What no tool can be called in.
fn without_calls(mut map: Map<String, Value>, kind: CallKind) -> Vec<Message> {
    if let Some(Value::Object(result)) = map.get("result")
        && other_apis::is_a2a_result(result)
    {
        let result = result.clone();
        return other_apis::a2a_result(result);
    }
    if kind == CallKind::Realtime {
        let results = take_list(&mut map, "results").unwrap_or_default();
        let mut messages = events::read(Value::Array(results), Source::Response);
        let rest = json::prune_map(without_bookkeeping(map));
        if messages.is_empty() && !rest.is_empty() {
            messages.push(Message::with_raw(Source::Response, "assistant", Value::Object(rest)));
        }
        return messages;
    }
    if let Some(data) = take_list(&mut map, "data") {
        return media::data(data);
    }
    if has(&map, "results") {
        return media::results(map);
    }
    if json::text(&map, "object") == Some("binary") {
        return media::binary(map);
    }
    vec![Message::with_raw(Source::Response, "assistant", Value::Object(map))]
}

fn of_shape(shape: Shape, mut map: Map<String, Value>) -> Vec<Message> {
    let mut list = |key: &str| take_list(&mut map, key).unwrap_or_default();
    match shape {
        Shape::Choices => chat::choices(list("choices")),
        Shape::Output => responses::items(Value::Array(list("output")), Source::Response),
        Shape::Candidates => other_apis::gemini_candidates(list("candidates")),
        Shape::Steps => {
            let items = list("steps").into_iter().chain(list("outputs")).collect();
            responses::items(Value::Array(items), Source::Response)
        }
        Shape::Events => of_events(map),
        Shape::Converse => {
            let message = map.get_mut("output").and_then(|output| output.get_mut("message")).map(Value::take);
            let Some(Value::Object(message)) = message else { return Vec::new() };
            let message = message.into_iter().filter(|(key, _)| key == "role" || key == "content").collect();
            chat::message(Value::Object(message), Source::Response, "assistant")
        }
        Shape::Message => chat::message(map.remove("message").unwrap_or_default(), Source::Response, "assistant"),
        Shape::Bare => {
            map.retain(|key, _| matches!(key.as_str(), "role" | "content" | "tool_calls" | "function_call"));
            chat::message(Value::Object(map), Source::Response, "assistant")
        }
    }
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

/// The events of a session, and the tool calls LiteLLM found in them.
fn of_events(mut map: Map<String, Value>) -> Vec<Message> {
    let key = calls::EVENT_LISTS.into_iter().find(|key| map.get(*key).is_some_and(calls::has_events));
    let list = key.and_then(|key| map.remove(key)).unwrap_or_default();
    let mut messages = events::read(list, Source::Response);
    let known = messages.iter().any(|message| !message.tool_calls.is_empty());
    if let Some(Value::Array(calls)) = take(&mut map, "tool_calls").filter(|_| !known) {
        let mut message = Message::new(Source::Response, "assistant");
        message.tool_calls = calls.into_iter().filter_map(chat::tool_call).collect();
        messages.push(message);
    }
    messages
}
