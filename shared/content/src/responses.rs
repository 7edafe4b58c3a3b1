//! The items of the Responses API, of its input and of its output, of realtime sessions, and of Gemini interactions.

use serde_json::{Map, Value, json};

use super::blocks::Draft;
use super::chat;
use super::json::{self, take, take_text};
use super::message::{Message, Part, Source, ToolCall, UNKNOWN_ROLE};
use crate::calls;

/// Blocks of content that may stand where a message should, without one around them.
const BLOCKS: &[&str] = &[
    "audio",
    "document",
    "image",
    "input_audio",
    "input_file",
    "input_image",
    "input_text",
    "output_text",
    "text",
    "video",
];

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
    for value in with_messages(items, role) {
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

/// The items, with a message around the blocks that have none.
fn with_messages(items: Vec<Value>, role: &str) -> Vec<Value> {
    let is_block = |item: &Value| {
        let kind = item.get("type").and_then(Value::as_str);
        !json::has_role(item) && kind.is_some_and(|kind| BLOCKS.contains(&kind))
    };
    let mut blocks = Vec::new();
    let mut found = Vec::with_capacity(items.len());
    let close = |blocks: &mut Vec<Value>, found: &mut Vec<Value>| {
        if !blocks.is_empty() {
            found.push(json!({"role": role, "content": std::mem::take(blocks)}));
        }
    };
    for item in items {
        if is_block(&item) {
            blocks.push(item);
        } else {
            close(&mut blocks, &mut found);
            found.push(item);
        }
    }
    close(&mut blocks, &mut found);
    found
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
        "user_input" => plain_message(map, source, "user"),
        "model_output" => plain_message(map, source, "assistant"),
        "reasoning" | "thought" => reasoning(map, source),
        "image_generation_call" => image(map, source),
        _ if calls::is_call_item(&kind) => call(&kind, map, source),
        _ if kind.ends_with("_call_output") || kind.ends_with("_result") => {
            let id = take_text(&mut map, "call_id");
            let name = take_text(&mut map, "name");
            let output = take(&mut map, "output").or_else(|| map.remove("result").map(as_content));
            let mut message = tool_result(source, id, name, output.unwrap_or_default());
            if map.get("is_error") == Some(&Value::Bool(true)) {
                message.keep(Map::from_iter([("is_error".to_owned(), Value::Bool(true))]));
            }
            Item::Messages(vec![message])
        }
        _ if ["role", "content"].iter().any(|key| map.contains_key(*key)) => {
            // LiteLLM's own kinds, such as `mcp_tools_fetched` and `tool_execution_results`, are messages otherwise.
            Item::Messages(chat::said(Value::Object(map), source, default_role))
        }
        _ => Item::Messages(vec![Message::with_raw(source, UNKNOWN_ROLE, Value::Object(map))]),
    }
}

/// The result of a function as content: an object is the text of its JSON.
fn as_content(result: Value) -> Value {
    match result {
        Value::Object(map) => Value::String(Value::Object(map).to_string()),
        other => other,
    }
}

/// A picture that the provider painted: a call, with its result.
fn image(map: Map<String, Value>, source: Source) -> Item {
    let mut message = Message::new(source, "assistant");
    let id = json::text(&map, "id").map(str::to_owned);
    message.tool_calls.push(ToolCall::new("image_generation_call", id, calls::name_of(&map), Value::Null));
    message.parts.push(Part::new("image", Value::Object(map)));
    message.read_marks();
    Item::OfAssistant(Box::new(message), None)
}

fn plain_message(mut map: Map<String, Value>, source: Source, default_role: &str) -> Item {
    for key in ["id", "type", "status", "object"] {
        map.remove(key);
    }
    let mut messages = chat::said(Value::Object(map), source, default_role);
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
    let name = calls::name_of(&map);
    map.remove("name");
    let output = take(&mut map, "output").or_else(|| take(&mut map, "error"));
    let keys = ["arguments", "input", "action", "operation", "code", "queries"];
    let arguments = keys.iter().find_map(|key| take(&mut map, key));
    let call_kind = match kind {
        "function_call" => "function",
        "custom_tool_call" => "custom",
        "mcp_call" | "mcp_server_tool_call" => "mcp",
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
    let mut draft = Draft::without_calls(source);
    draft.content(output);
    let mut message = draft.finish("tool").0;
    message.tool_call_id = id;
    message.name = name;
    message
}
