//! From what LiteLLM stored to messages.

use std::collections::HashMap;

use serde_json::Value;

use super::availability::{Availability, Reason, SideAvailability, Stored};
use super::call_kind::{CallKind, History};
use super::content::{Content, ExchangeIds};
use super::message::Message;
use super::stored::StoredContent;
use super::{credentials, json, other_apis, parameters, prompt, response};

/// Reads what was stored of a request. Any JSON will do: what is not understood is passed on as it is.
#[must_use]
pub fn normalise(stored: StoredContent) -> Content {
    read(stored, false)
}

/// As [`normalise`], and keeps the prompt as the client sent it ([`super::Disclosed::sent`]), which costs a copy.
#[must_use]
pub fn normalise_with_sent(stored: StoredContent) -> Content {
    read(stored, true)
}

fn read(mut stored: StoredContent, keep_sent: bool) -> Content {
    stored.response = stored.response.map(credentials::without_headers);
    let kind = CallKind::new(&stored.call_type);
    let mut found = prompt::read(&stored, kind, keep_sent);
    name_results(&mut found.messages);
    let Answer { mut messages, id } = read_response(&stored, kind);
    if kind == CallKind::Realtime {
        leave_out_sent(&mut messages, &found.messages);
    }
    let response = &mut messages;
    let answered = response.iter().any(Message::has_content);
    if stored.failed && !answered {
        // A failed request has no response; redaction puts its mark there all the same.
        response.clear();
    }
    let failed = stored.failed || stored.error.as_ref().is_some_and(|raw| !json::is_blank(&json::lenient(raw.get())));
    let missing = match &stored.cold_storage_object_key {
        _ if stored.deleted => Reason::Deleted,
        Some(key) if !key.is_empty() => Reason::ColdStorage,
        _ => Reason::NotStored,
    };
    let missing_response = if failed { Reason::FailedRequest } else { missing };
    let availability = Availability::new(
        SideAvailability::of(
            &found.messages,
            Stored { missing, cut: found.cut, redacted: found.redacted, partial: found.partial },
        ),
        SideAvailability::of(response, Stored::or(missing_response)),
    );
    Content {
        prompt: found.messages,
        response: messages,
        parameters: found.parameters,
        sent: found.sent,
        // LiteLLM's empty values for what it did not store.
        raw_response: stored
            .response
            .filter(|raw| !matches!(raw.get(), "{}" | "null" | "[]") && !grants_session(&stored.call_type)),
        availability,
        history: if found.partial && found.history == History::Repeated { History::Turn } else { found.history },
        exchange: ExchangeIds {
            call: stored.call_id.filter(|id| !id.is_empty()),
            response: id.filter(|_| !stored.cached),
        },
    }
}

/// Gives the results of tools the names that their calls have.
fn name_results(messages: &mut [Message]) {
    let calls = messages.iter().flat_map(|message| &message.tool_calls);
    let names: HashMap<String, String> = calls
        .filter_map(|call| Some((call.id.clone()?, call.name.clone())))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    for message in messages.iter_mut().filter(|message| message.role == "tool" && message.name.is_none()) {
        message.name = message.tool_call_id.as_ref().and_then(|id| names.get(id)).cloned();
    }
}

/// Leaves out what the events of a realtime session repeat of the messages that were sent.
fn leave_out_sent(response: &mut Vec<Message>, prompt: &[Message]) {
    let mut sent: Vec<&str> = prompt.iter().filter_map(user_text).collect();
    response.retain(|message| {
        let same = user_text(message).and_then(|text| sent.iter().position(|sent| *sent == text));
        if let Some(index) = same {
            sent.swap_remove(index);
        }
        same.is_none()
    });
}

fn user_text(message: &Message) -> Option<&str> {
    let only_text = message.role == "user" && message.tool_calls.is_empty() && message.parts.is_empty();
    message.text.as_deref().filter(|_| only_text)
}

/// Whether a response of this call type is a credential: it lets a client into a realtime session.
fn grants_session(call_type: &str) -> bool {
    ["client_secret", "transcription_session"].iter().any(|part| call_type.contains(part))
}

/// What came back, and the id that the provider gave it.
struct Answer {
    messages: Vec<Message>,
    id: Option<String>,
}

fn read_response(stored: &StoredContent, kind: CallKind) -> Answer {
    let call = stored.mcp_tool_call.as_ref().map(|raw| json::lenient(raw.get()));
    let tool = call.as_ref().and_then(|call| Some(call.get("name")?.as_str()?.to_owned()));
    let mut value = stored.response.as_ref().map(|raw| json::lenient(raw.get())).unwrap_or_default();
    if grants_session(&stored.call_type) {
        if let Value::Object(map) = &mut value {
            map.remove("value");
        }
        value = parameters::masked(value, false);
    }
    if !json::is_blank(&value) {
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        return Answer { messages: response::read(value, kind, tool), id };
    }
    // The result of an MCP tool may be in the metadata only.
    let messages = match call {
        Some(Value::Object(mut call)) => {
            json::take(&mut call, "result").map(|result| other_apis::mcp_result(result, tool)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    Answer { messages, id: None }
}
