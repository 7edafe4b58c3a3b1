//! Streams that a pass-through endpoint stored as they came: server-sent events, or a list of chunks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json;
use crate::calls::EventClass;

/// The chunks of a text of server-sent events; none if the text is no such stream.
pub fn chunks(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| json::structured(line.strip_prefix("data:")?.trim())).collect()
}

/// The response that the chunks of a stream add up to, as the provider would have answered without a stream. `None` if they
/// are of no API that is known.
pub fn whole(chunks: &[Value]) -> Option<Map<String, Value>> {
    let of = |response: Value| match response {
        Value::Object(map) => Some(map),
        _ => None,
    };
    of_responses(chunks).or_else(|| chat(chunks)).or_else(|| gemini(chunks)).or_else(|| anthropic(chunks)).and_then(of)
}

fn kind(chunk: &Value) -> &str {
    chunk.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The Responses API: its last event has all of the output, if the stream was not cut off.
fn of_responses(chunks: &[Value]) -> Option<Value> {
    let full = |list: &&Value| list.as_array().is_some_and(|list| !list.is_empty());
    let finished = chunks.iter().rev().filter(|chunk| EventClass::of(kind(chunk)) == Some(EventClass::Finished));
    if let Some(output) = finished.filter_map(|chunk| chunk.pointer("/response/output")).find(full) {
        return Some(json!({"output": output}));
    }
    let done = chunks.iter().filter(|chunk| EventClass::of(kind(chunk)) == Some(EventClass::Done));
    let mut items: Vec<Value> = done.filter_map(|chunk| chunk.get("item")).cloned().collect();
    if items.is_empty() {
        let pieces = chunks.iter().filter(|chunk| kind(chunk) == "response.output_text.delta");
        let text: String = pieces.filter_map(|chunk| chunk.get("delta")?.as_str()).collect();
        if !text.is_empty() {
            items.push(json!({"role": "assistant", "content": text}));
        }
    }
    (!items.is_empty()).then(|| json!({"output": items}))
}

/// Chat completions, and text completions.
fn chat(chunks: &[Value]) -> Option<Value> {
    let mut messages: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let choices = chunks.iter().filter_map(|chunk| chunk.get("choices")?.as_array()).flatten();
    for (position, choice) in choices.filter_map(Value::as_object).enumerate() {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
        let message = messages.entry(index).or_default();
        if let Some(text) = json::text(choice, "text") {
            append(message, "content", text);
        }
        let Some(delta) = choice.get("delta").or_else(|| choice.get("message")).and_then(Value::as_object) else {
            continue;
        };
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("tool_calls", Value::Array(calls)) => {
                    for call in calls {
                        add_call(message, call, position);
                    }
                }
                ("role", Value::String(_)) => {
                    message.insert("role".to_owned(), value.clone());
                }
                (key, Value::String(text)) => append(message, key, text),
                _ => {}
            }
        }
    }
    if messages.is_empty() {
        return None;
    }
    let choices: Vec<Value> =
        messages.into_iter().map(|(index, message)| json!({"index": index, "message": message})).collect();
    Some(json!({"choices": choices}))
}

/// Adds a piece of a call to the call that it is of: that with its index, or without one with its id.
fn add_call(message: &mut Map<String, Value>, piece: &Value, position: usize) {
    let calls = message.entry("tool_calls").or_insert_with(|| json!([]));
    let (Some(calls), Some(piece)) = (calls.as_array_mut(), piece.as_object()) else { return };
    let same = |key: &str, call: &Value| piece.get(key).is_some_and(|value| call.get(key) == Some(value));
    let key = if piece.contains_key("index") { "index" } else { "id" };
    let found = calls.iter().position(|call| same(key, call));
    let at = match found {
        Some(at) => at,
        None if piece.contains_key(key) || calls.is_empty() => {
            let mut call = piece.clone();
            call.entry("index").or_insert_with(|| json!(position));
            calls.push(Value::Object(call));
            return;
        }
        None => calls.len() - 1,
    };
    let Some(call) = calls[at].as_object_mut() else { return };
    for key in ["function", "custom"] {
        let Some(piece) = piece.get(key).and_then(Value::as_object) else { continue };
        let Some(whole) = call.entry(key).or_insert_with(|| json!({})).as_object_mut() else { continue };
        for (key, value) in piece {
            match (key.as_str(), value) {
                ("arguments" | "input", Value::String(text)) => append(whole, key, text),
                (_, Value::Null) => {}
                _ => {
                    whole.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

fn append(map: &mut Map<String, Value>, key: &str, text: &str) {
    match map.get_mut(key) {
        Some(Value::String(whole)) => whole.push_str(text),
        _ => {
            map.insert(key.to_owned(), Value::String(text.to_owned()));
        }
    }
}

/// Gemini: each chunk has some more parts.
fn gemini(chunks: &[Value]) -> Option<Value> {
    let mut candidates: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    let found = chunks.iter().filter_map(|chunk| chunk.get("candidates")?.as_array()).flatten();
    for candidate in found {
        let index = candidate.get("index").and_then(Value::as_u64).unwrap_or_default();
        let parts = candidates.entry(index).or_default();
        for part in candidate.pointer("/content/parts").and_then(Value::as_array).into_iter().flatten() {
            add_part(parts, part);
        }
    }
    if candidates.is_empty() {
        return None;
    }
    let whole = |parts: Vec<Value>| json!({"content": {"role": "model", "parts": parts}});
    Some(json!({"candidates": candidates.into_values().map(whole).collect::<Vec<_>>()}))
}

/// Adds a part; the pieces of a text are one.
fn add_part(parts: &mut Vec<Value>, part: &Value) {
    let thought = |part: &Value| part.get("thought").and_then(Value::as_bool).unwrap_or_default();
    let text = part.get("text").and_then(Value::as_str);
    match (parts.last_mut().and_then(Value::as_object_mut), text) {
        (Some(last), Some(text))
            if last.contains_key("text") && thought(&Value::Object(last.clone())) == thought(part) =>
        {
            append(last, "text", text);
        }
        _ => parts.push(part.clone()),
    }
}

/// Anthropic: blocks that begin, grow and end.
fn anthropic(chunks: &[Value]) -> Option<Value> {
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    for chunk in chunks {
        let index = chunk.get("index").and_then(Value::as_u64).unwrap_or_default();
        if let Some(block) = chunk.get("content_block").and_then(Value::as_object) {
            blocks.insert(index, block.clone());
        }
        let Some(delta) = chunk.get("delta").and_then(Value::as_object) else { continue };
        for (key, value) in delta {
            let (key @ ("text" | "thinking" | "partial_json"), Some(value)) = (key.as_str(), value.as_str()) else {
                continue;
            };
            let block = blocks.entry(index).or_default();
            if key != "partial_json" {
                block.entry("type").or_insert_with(|| json!(key));
            } else if block.get("input").is_none_or(Value::is_object) {
                block.insert("input".to_owned(), json!(""));
            }
            append(block, if key == "partial_json" { "input" } else { key }, value);
        }
    }
    (!blocks.is_empty()).then(|| json!({"role": "assistant", "content": blocks.into_values().collect::<Vec<_>>()}))
}

/// Whether a list is of the chunks of a stream: Gemini streams one.
pub fn is_stream(list: &[Value]) -> bool {
    let is_chunk = |value: &Value| ["choices", "candidates", "delta"].iter().any(|key| value.get(*key).is_some());
    list.iter().any(is_chunk)
}
