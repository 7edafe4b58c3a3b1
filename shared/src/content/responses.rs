//! The items of the Responses API, of its input and of its output, and of realtime sessions.

use serde_json::{Map, Value};

use super::blocks::Draft;
use super::chat;
use super::json::{self, take, take_text};
use super::message::{Message, Part, Source, ToolCall, UNKNOWN_ROLE};

/// The messages of an `input` or an `output`.
///
/// What one chat message holds (reasoning, text and tool calls) is several items here; they become one message, so that
/// it does not matter through which API a conversation is continued.
pub fn items(value: Value, source: Source) -> Vec<Message> {
    let role = match source {
        Source::Prompt => "user",
        Source::Response => "assistant",
    };
    let Value::Array(items) = value else {
        return chat::message(value, source, role);
    };
    let mut messages: Vec<Message> = Vec::new();
    for value in items {
        match item(value, source, role) {
            Item::Messages(list) => messages.extend(list),
            Item::OfAssistant(message, result) => {
                join(&mut messages, *message);
                messages.extend(result.map(|result| *result));
            }
        }
    }
    messages
}

enum Item {
    Messages(Vec<Message>),
    /// What belongs to an assistant's message, and the result of a tool that ran at the provider.
    OfAssistant(Box<Message>, Option<Box<Message>>),
}

/// Adds an item to the assistant's message before it, unless it begins a new one.
fn join(messages: &mut Vec<Message>, item: Message) {
    let fits = |last: &Message| {
        let only_reasoning = last.text.is_none() && last.tool_calls.is_empty() && last.parts.is_empty();
        last.role == "assistant" && (!item.tool_calls.is_empty() || only_reasoning)
    };
    let Some(last) = messages.last_mut().filter(|last| fits(last)) else {
        messages.push(item);
        return;
    };
    last.text = item.text.or(last.text.take());
    last.refusal = item.refusal.or(last.refusal.take());
    last.reasoning = match (last.reasoning.take(), item.reasoning) {
        (Some(before), Some(after)) => Some(before + "\n" + &after),
        (before, after) => before.or(after),
    };
    last.parts.extend(item.parts);
    last.tool_calls.extend(item.tool_calls);
    if let Some(Value::Object(rest)) = item.raw {
        last.keep(rest);
    }
    last.read_marks();
}

fn item(value: Value, source: Source, default_role: &str) -> Item {
    let Value::Object(mut map) = value else {
        return Item::Messages(chat::message(value, source, default_role));
    };
    let kind = json::text(&map, "type").unwrap_or_default().to_owned();
    match kind.as_str() {
        "" | "message" => plain_message(map, source, default_role),
        "reasoning" => reasoning(map, source),
        "image_generation_call" => {
            let mut message = Message::new(source, "assistant");
            message.parts.push(Part::new("image", Value::Object(map)));
            message.read_marks();
            Item::OfAssistant(Box::new(message), None)
        }
        _ if kind.ends_with("_call_output") || kind == "function_call_result" => {
            let id = take_text(&mut map, "call_id");
            let output = map.remove("output").unwrap_or_default();
            Item::Messages(vec![tool_result(source, id, None, output)])
        }
        _ if kind.ends_with("_call") => call(&kind, map, source),
        _ if map.contains_key("role") => {
            // LiteLLM's own kinds, such as `mcp_tools_fetched` and `tool_execution_results`, are messages otherwise.
            Item::Messages(chat::message(Value::Object(map), source, default_role))
        }
        _ => Item::Messages(vec![Message::with_raw(source, UNKNOWN_ROLE, Value::Object(map))]),
    }
}

fn plain_message(mut map: Map<String, Value>, source: Source, default_role: &str) -> Item {
    for key in ["id", "type", "status", "object"] {
        map.remove(key);
    }
    let mut messages = chat::message(Value::Object(map), source, default_role);
    match messages.pop() {
        Some(message) if messages.is_empty() && message.role == "assistant" => {
            Item::OfAssistant(Box::new(message), None)
        }
        last => {
            messages.extend(last);
            Item::Messages(messages)
        }
    }
}

fn reasoning(mut map: Map<String, Value>, source: Source) -> Item {
    let mut draft = Draft::new(source);
    for key in ["summary", "content"] {
        let Some(value) = take(&mut map, key) else { continue };
        let mut text = Draft::new(source);
        text.content(value);
        let message = text.finish("assistant").0;
        message.text.into_iter().chain(message.reasoning).for_each(|text| draft.reasoning(text));
    }
    let mut message = draft.finish("assistant").0;
    if message.reasoning.is_none() {
        // Encrypted: there is nothing to read, but it was there.
        message.reasoning = Some(String::new());
    }
    Item::OfAssistant(Box::new(message), None)
}

/// A call of a tool, with its result where the provider ran it.
fn call(kind: &str, mut map: Map<String, Value>, source: Source) -> Item {
    let id = take_text(&mut map, "call_id");
    let own_id = take_text(&mut map, "id");
    let id = id.or(own_id);
    let name = take_text(&mut map, "name").unwrap_or_else(|| kind.trim_end_matches("_call").to_owned());
    let output = take(&mut map, "output").or_else(|| take(&mut map, "error"));
    let arguments = ["arguments", "input", "action", "code", "queries"].iter().find_map(|key| take(&mut map, key));
    let call_kind = match kind {
        "function_call" => "function",
        "custom_tool_call" => "custom",
        "mcp_call" => "mcp",
        other => other,
    };
    let mut message = Message::new(source, "assistant");
    message.tool_calls.push(ToolCall::new(call_kind, id.clone(), name.clone(), arguments.unwrap_or_default()));
    for key in ["type", "status"] {
        map.remove(key);
    }
    if kind != "function_call" {
        message.keep(map);
    }
    message.read_marks();
    let result = output.map(|output| Box::new(tool_result(source, id, Some(name), output)));
    Item::OfAssistant(Box::new(message), result)
}

fn tool_result(source: Source, id: Option<String>, name: Option<String>, output: Value) -> Message {
    let mut draft = Draft::new(source);
    draft.content(output);
    let mut message = draft.finish("tool").0;
    message.tool_call_id = id;
    message.name = name;
    message
}
