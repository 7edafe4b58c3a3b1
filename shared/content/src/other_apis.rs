//! Gemini's own API, A2A agents and MCP tools.

use serde_json::{Map, Value};

use super::blocks::Draft;
use super::chat;
use super::json::{take, take_text};
use super::message::{Message, Part, Source, ToolCall};

/// Gemini's `{role, parts}`.
fn of_parts(map: Map<String, Value>, source: Source, default_role: &str) -> Vec<Message> {
    read_parts(map, Draft::new(source), default_role)
}

/// A2A's message, which has more keys. An agent keeps to itself which tools it calls.
fn of_agent(map: Map<String, Value>, source: Source, default_role: &str) -> Vec<Message> {
    read_parts(map, Draft::without_calls(source), default_role)
}

fn read_parts(mut map: Map<String, Value>, mut draft: Draft, default_role: &str) -> Vec<Message> {
    let role = take_text(&mut map, "role").unwrap_or_else(|| default_role.to_owned());
    draft.content(map.remove("parts").unwrap_or_default());
    let only_results = draft.has_results() && draft.is_empty();
    let (mut message, mut messages) = draft.finish(&role);
    if !only_results {
        for key in ["kind", "messageId"] {
            map.remove(key);
        }
        message.keep(map);
        messages.push(message);
    }
    messages
}

/// Gemini's `contents`: a list, one of them, or a text.
pub fn gemini_contents(contents: Value) -> Vec<Message> {
    let items = match contents {
        Value::Array(items) => items,
        other => vec![other],
    };
    let read = |item| match item {
        Value::Object(map) if map.contains_key("parts") => of_parts(map, Source::Prompt, "user"),
        other => chat::message(other, Source::Prompt, "user"),
    };
    items.into_iter().flat_map(read).collect()
}

/// Gemini's system instruction: `{parts}` or a text.
pub fn gemini_system(instruction: Value) -> Option<Message> {
    let content = match instruction {
        Value::Object(mut map) => map.remove("parts").unwrap_or(Value::Object(map)),
        other => other,
    };
    chat::system(content)
}

/// Gemini's `candidates`.
pub fn gemini_candidates(candidates: Vec<Value>) -> Vec<Message> {
    let several = candidates.len() > 1;
    let mut messages = Vec::new();
    for (index, candidate) in (0_u64..).zip(candidates) {
        let content = candidate.get("content").and_then(Value::as_object).cloned();
        let list = match content {
            Some(map) => of_parts(map, Source::Response, "assistant"),
            None => vec![Message::with_raw(Source::Response, "assistant", candidate)],
        };
        messages.extend(list.into_iter().map(|mut message| {
            message.choice = several.then_some(index);
            message
        }));
    }
    messages
}

/// The message an A2A agent was sent.
pub fn a2a_message(params: &Map<String, Value>) -> Vec<Message> {
    match params.get("message") {
        Some(Value::Object(map)) => of_agent(map.clone(), Source::Prompt, "user"),
        Some(other) => chat::message(other.clone(), Source::Prompt, "user"),
        None => Vec::new(),
    }
}

/// Whether a `result` is an A2A agent's.
pub fn is_a2a_result(result: &Map<String, Value>) -> bool {
    ["parts", "artifacts", "status", "message"].iter().any(|key| result.contains_key(*key))
}

/// What an A2A agent answered: a message, or a task with its artifacts.
pub fn a2a_result(mut result: Map<String, Value>) -> Vec<Message> {
    if result.contains_key("parts") {
        return of_agent(result, Source::Response, "assistant");
    }
    let mut messages = Vec::new();
    if let Some(Value::Object(message)) = take(&mut result, "message") {
        messages.extend(of_agent(message, Source::Response, "assistant"));
    }
    if let Some(Value::Object(status)) = result.get_mut("status")
        && let Some(Value::Object(message)) = take(status, "message")
    {
        messages.extend(of_agent(message, Source::Response, "assistant"));
    }
    if let Some(Value::Array(artifacts)) = take(&mut result, "artifacts") {
        for artifact in artifacts {
            match artifact {
                Value::Object(map) => messages.extend(of_agent(map, Source::Response, "assistant")),
                other => messages.extend(chat::message(other, Source::Response, "assistant")),
            }
        }
    }
    if messages.is_empty() {
        messages.push(Message::with_raw(Source::Response, "assistant", Value::Object(result)));
    }
    messages
}

/// A call of an MCP tool as the client sent it.
pub fn mcp_call(name: String, arguments: Value) -> Message {
    let mut message = Message::new(Source::Prompt, "assistant");
    message.tool_calls.push(ToolCall::new("mcp", None, name, arguments));
    message.read_marks();
    message
}

/// The result of an MCP tool: `{content, is_error, structured_content}` or anything else.
pub fn mcp_result(result: Value, name: Option<String>) -> Vec<Message> {
    let mut draft = Draft::without_calls(Source::Response);
    let rest = match result {
        Value::Object(mut map) if map.contains_key("content") => {
            draft.content(map.remove("content").unwrap_or_default());
            for key in ["meta", "_meta", "result_type"] {
                map.remove(key);
            }
            for key in ["is_error", "isError"] {
                if map.get(key) == Some(&Value::Bool(false)) {
                    map.remove(key);
                }
            }
            map
        }
        Value::Object(map) => map,
        other => {
            draft.content(other);
            Map::new()
        }
    };
    let (mut message, mut messages) = draft.finish("tool");
    message.name = name;
    message.keep(rest);
    message.read_marks();
    messages.push(message);
    messages
}

/// The tools an MCP server lists.
pub fn mcp_tools(tools: Value) -> Message {
    let mut message = Message::new(Source::Response, "tool");
    message.parts.push(Part::new("tools", tools));
    message.read_marks();
    message
}
