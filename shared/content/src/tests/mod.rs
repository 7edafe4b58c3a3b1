//! Tests of the whole module.

mod apis;
mod conversations;
mod disclosures;
mod identity;
mod once;
mod outlines;
mod properties;
mod shapes;
mod sources;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{Content, Message, StoredContent, normalise};

/// JSON as the database has it.
#[expect(clippy::unnecessary_wraps, reason = "any column may be null")]
fn raw(value: &Value) -> Option<Box<RawValue>> {
    Some(to_raw_value(value).expect("a value is JSON"))
}

/// JSON that serde could not hold as a value.
#[expect(clippy::unnecessary_wraps, reason = "any column may be null")]
fn raw_text(json: &str) -> Option<Box<RawValue>> {
    Some(RawValue::from_string(json.to_owned()).expect("this is JSON"))
}

fn stored(call_type: &str, request: &Value, response: &Value) -> StoredContent {
    StoredContent {
        call_type: call_type.to_owned(),
        messages: raw(&json!({})),
        proxy_server_request: raw(request),
        response: raw(response),
        ..StoredContent::default()
    }
}

fn read(call_type: &str, request: &Value, response: &Value) -> Content {
    normalise(stored(call_type, request, response))
}

/// A chat request with an answer of one text.
fn chat(messages: &Value, answer: &str) -> Content {
    let message = json!({"role": "assistant", "content": answer, "tool_calls": null, "function_call": null});
    chat_with(messages, &message)
}

/// A chat request with an answer.
fn chat_with(messages: &Value, answer: &Value) -> Content {
    let response =
        json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": answer}]});
    read("acompletion", &json!({"model": "gpt-4o", "messages": messages}), &response)
}

/// A chat request that failed.
fn failed(messages: &Value) -> Content {
    failed_of("acompletion", &json!({"model": "gpt-4o", "messages": messages}))
}

/// A request that failed.
fn failed_of(call_type: &str, request: &Value) -> Content {
    normalise(StoredContent { failed: true, ..stored(call_type, request, &json!({})) })
}

fn json_of(messages: &[Message]) -> Value {
    serde_json::to_value(messages).expect("messages serialise")
}

/// Each message as `role: text`, with its tool calls.
fn lines(messages: &[Message]) -> Vec<String> {
    let line = |message: &Message| {
        let calls = message.tool_calls.iter().map(|call| format!(" {}({})", call.name, call.arguments));
        format!("{}: {}{}", message.role, message.text.as_deref().unwrap_or("-"), calls.collect::<String>())
    };
    messages.iter().map(line).collect()
}
