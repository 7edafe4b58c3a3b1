//! Chat completions, and Anthropic messages, which differ from them in their blocks only.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::blocks::Draft;
use super::json::{self, take, take_text};
use super::message::{Message, Source, ToolCall, UNKNOWN_ROLE};
use crate::calls;

/// The messages of a request.
pub fn messages(messages: Value, source: Source) -> Vec<Message> {
    match messages {
        Value::Array(list) => list.into_iter().flat_map(|item| message(item, source, "user")).collect(),
        other => message(other, source, "user"),
    }
}

/// The instructions that some APIs keep outside the messages.
pub fn system(content: Value) -> Option<Message> {
    let mut draft = Draft::new(Source::Prompt);
    draft.content(content);
    (!draft.is_empty()).then(|| draft.finish("system").0)
}

/// One message; several if it holds the results of tools, which Anthropic puts into one user message.
pub fn message(value: Value, source: Source, default_role: &str) -> Vec<Message> {
    read(value, Draft::new(source), default_role)
}

/// As [`message`], of an API that keeps the calls of tools beside its messages.
pub fn said(value: Value, source: Source, default_role: &str) -> Vec<Message> {
    read(value, Draft::without_calls(source), default_role)
}

fn read(value: Value, mut draft: Draft, default_role: &str) -> Vec<Message> {
    let source = draft.source();
    let mut map = match value {
        Value::Object(map) => map,
        Value::Null => return Vec::new(),
        Value::String(text) => {
            let mut message = Message::with_text(source, default_role, text);
            message.read_marks();
            return vec![message];
        }
        other => return vec![Message::with_raw(source, UNKNOWN_ROLE, other)],
    };
    let role = take_text(&mut map, "role").unwrap_or_else(|| {
        if map.contains_key("content") || map.contains_key("tool_calls") { default_role } else { UNKNOWN_ROLE }
            .to_owned()
    });
    let name = take_text(&mut map, "name");
    let tool_call_id = take_text(&mut map, "tool_call_id");
    let mut refusal = take_text(&mut map, "refusal");

    let blank = map.get("content").is_some_and(|content| content.as_str() == Some(""));
    draft.content(map.remove("content").unwrap_or_default());
    if draft.reads_calls() {
        // Of answers only the `choices` have them, see there.
        if source == Source::Prompt {
            join_server_calls(&mut [&mut map]);
        }
        tool_calls(&mut draft, &mut map);
    }
    reasoning(&mut draft, &mut map);
    for key in ["audio", "images"] {
        if let Some(media) = take(&mut map, key) {
            extra_media(&mut draft, key, media);
        }
    }
    if let Some(Value::Object(fields)) = map.get_mut("provider_specific_fields") {
        // Thinking is repeated there.
        for key in ["thinking_blocks", "reasoning_content"] {
            fields.remove(key);
        }
        refusal = refusal.or(take_text(fields, "refusal"));
    }
    let rest = json::prune_map(map);

    let plain = draft.is_empty() && rest.is_empty() && refusal.is_none();
    let only_results = draft.has_results() && plain;
    let (mut message, mut messages) = draft.finish(&role);
    if only_results {
        return messages;
    }
    if blank && message.text.is_none() {
        message.text = Some(String::new());
    }
    message.name = name;
    message.tool_call_id = tool_call_id;
    message.refusal = message.refusal.take().or(refusal);
    message.keep(rest);
    message.read_marks();
    messages.push(message);
    messages
}

fn tool_calls(draft: &mut Draft, map: &mut Map<String, Value>) {
    if let Some(Value::Array(calls)) = map.get_mut("tool_calls") {
        let (found, rest) = std::mem::take(calls).into_iter().partition::<Vec<_>, _>(Value::is_object);
        *calls = rest;
        found.into_iter().filter_map(tool_call).for_each(|call| draft.tool_call(call));
    }
    if let Some(Value::Object(call)) = map.get_mut("function_call") {
        let name = calls::name_of(call);
        let arguments = call.remove("arguments").unwrap_or_default();
        map.remove("function_call");
        draft.tool_call(ToolCall::new("function_call", None, name, arguments));
    }
}

/// Adds the calls of tools that the provider ran to the `tool_calls` of their messages, those of each list that no earlier
/// list has.
fn join_server_calls(messages: &mut [&mut Map<String, Value>]) {
    let mut known: HashSet<String> = HashSet::new();
    let ids = |calls: &[Value], known: &mut HashSet<String>| {
        known.extend(calls.iter().filter_map(|call| call.get("id")?.as_str().map(str::to_owned)));
    };
    for message in messages.iter() {
        if let Some(Value::Array(calls)) = message.get("tool_calls") {
            ids(calls, &mut known);
        }
    }
    let mut added: Vec<Vec<Value>> = vec![Vec::new(); messages.len()];
    for list in calls::SERVER_LISTS {
        let mut found = HashSet::new();
        for (message, added) in messages.iter_mut().zip(&mut added) {
            let fields = message.get_mut(calls::PROVIDER_FIELDS).and_then(Value::as_object_mut);
            let Some(calls) = fields.and_then(|fields| fields.get_mut(list)).and_then(Value::as_array_mut) else {
                continue;
            };
            ids(calls, &mut found);
            let (objects, rest) = std::mem::take(calls).into_iter().partition::<Vec<_>, _>(Value::is_object);
            *calls = rest;
            let is_known = |call: &Value| call.get("id").and_then(Value::as_str).is_some_and(|id| known.contains(id));
            added.extend(objects.into_iter().filter(|call| !is_known(call)));
        }
        known.extend(found);
    }
    for (message, mut added) in messages.iter_mut().zip(added) {
        if added.is_empty() {
            continue;
        }
        match message.remove("tool_calls") {
            Some(Value::Array(calls)) => added.extend(calls),
            // No list of calls: it stays beside them.
            Some(other) => {
                if let Some(Value::Object(fields)) = message.get_mut(calls::PROVIDER_FIELDS) {
                    fields.insert("tool_calls".to_owned(), other);
                }
            }
            None => {}
        }
        message.insert("tool_calls".to_owned(), Value::Array(added));
    }
}

/// `{id, type, function: {name, arguments}}`, or `{id, type: custom, custom: {name, input}}`.
pub fn tool_call(value: Value) -> Option<ToolCall> {
    let Value::Object(mut map) = value else {
        return None;
    };
    let name = calls::name_of(&map);
    let kind = take_text(&mut map, "type").unwrap_or_else(|| "function".to_owned());
    let id = take_text(&mut map, "id").or_else(|| take_text(&mut map, "call_id"));
    let within = ["function", "custom"].into_iter().find(|key| map.get(*key).is_some_and(Value::is_object));
    let mut inner = match within.and_then(|key| map.remove(key)) {
        Some(Value::Object(inner)) => inner,
        _ => map,
    };
    let keys = ["arguments", "input", "args", "action"];
    let arguments = keys.iter().find_map(|key| inner.remove(*key)).unwrap_or_default();
    Some(ToolCall::new(&kind, id, name, arguments))
}

fn reasoning(draft: &mut Draft, map: &mut Map<String, Value>) {
    let content = ["reasoning_content", "reasoning"].iter().find_map(|key| {
        map.get(*key).filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))?;
        take_text(map, key)
    });
    let has_content = content.is_some();
    if let Some(text) = content {
        draft.reasoning(text);
    }
    let Some(Value::Array(blocks)) = map.get_mut("thinking_blocks") else {
        return;
    };
    // The reasoning content is the same text again; a block that is encrypted has no text and stays as it is.
    let texts: Vec<String> =
        blocks.iter_mut().filter_map(|block| take_text(block.as_object_mut()?, "thinking")).collect();
    blocks.retain(|block| block.get("type").and_then(Value::as_str) != Some("thinking"));
    if !has_content {
        for text in texts {
            draft.reasoning(text);
        }
    }
}

/// What a model spoke or painted, beside its content.
fn extra_media(draft: &mut Draft, key: &str, media: Value) {
    let kind = if key == "audio" { "audio" } else { "image" };
    let items = match media {
        Value::Array(items) => items,
        other => vec![other],
    };
    for item in items {
        match item {
            Value::Object(mut map) => {
                map.insert("type".to_owned(), Value::String(kind.to_owned()));
                draft.content(Value::Object(map));
            }
            other => draft.content(serde_json::json!({"type": kind, "data": other})),
        }
    }
}

/// The answers: each choice is a message, an alternative to the others.
pub fn choices(mut choices: Vec<Value>) -> Vec<Message> {
    let mut answers: Vec<_> =
        choices.iter_mut().filter_map(|choice| choice.get_mut("message")?.as_object_mut()).collect();
    join_server_calls(&mut answers);
    let several = choices.len() > 1;
    let mut messages = Vec::new();
    for (position, choice) in (0_u64..).zip(choices) {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(position);
        for mut message in one_choice(choice) {
            message.choice = several.then_some(index);
            messages.push(message);
        }
    }
    messages
}

fn one_choice(choice: Value) -> Vec<Message> {
    let Value::Object(mut map) = choice else {
        return message(choice, Source::Response, "assistant");
    };
    if let Some(value) = take(&mut map, "message") {
        return message(value, Source::Response, "assistant");
    }
    if let Some(text) = take_text(&mut map, "text") {
        return message(Value::String(text), Source::Response, "assistant");
    }
    vec![Message::with_raw(Source::Response, "assistant", Value::Object(map))]
}
