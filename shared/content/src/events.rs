//! The events of realtime sessions, and of the Responses API over a websocket.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::json::{self, take, take_list, take_text};
use super::message::{Message, Source, UNKNOWN_ROLE};
use super::{chat, parameters, responses};
use crate::calls::EventClass;

/// Events that say nothing which a later one does not say.
const ANNOUNCEMENTS: &[&str] = &["response.created", "response.in_progress", "response.queued"];

/// The messages of events. Each item is read once: from the response that it ended up in, else from the event that it was
/// done, else from the one that it was added.
pub fn read(events: Value, source: Source) -> Vec<Message> {
    let Value::Array(events) = events else {
        return chat::message(events, source, UNKNOWN_ROLE);
    };
    let known = Known::of(&events);
    events.into_iter().flat_map(|event| read_event(event, source, &known)).collect()
}

/// The ids of the items that events have.
#[derive(Default)]
struct Known {
    finished: HashSet<String>,
    done: HashSet<String>,
}

impl Known {
    fn of(events: &[Value]) -> Self {
        let mut known = Self::default();
        let id = |item: &Value| item.get("id")?.as_str().map(str::to_owned);
        for event in events {
            match event.get("type").and_then(Value::as_str).and_then(EventClass::of) {
                Some(EventClass::Finished) => {
                    let output = event.get("response").and_then(|response| response.get("output")?.as_array());
                    known.finished.extend(output.into_iter().flatten().filter_map(id));
                }
                Some(EventClass::Done) => known.done.extend(event.get("item").and_then(id)),
                Some(EventClass::Added) | None => {}
            }
        }
        known
    }

    /// Whether an event of a class before this one has the item.
    fn has(&self, item: &Map<String, Value>, class: EventClass) -> bool {
        let Some(id) = json::text(item, "id") else { return false };
        class > EventClass::Finished && self.finished.contains(id) || class > EventClass::Done && self.done.contains(id)
    }
}

fn read_event(event: Value, source: Source, known: &Known) -> Vec<Message> {
    let Value::Object(mut map) = event else {
        return chat::message(event, source, UNKNOWN_ROLE);
    };
    let kind = json::text(&map, "type").unwrap_or_default().to_owned();
    let role = if source == Source::Prompt { "user" } else { "assistant" };
    match EventClass::of(&kind) {
        Some(EventClass::Finished) => {
            let output = map.get_mut("response").and_then(|response| take_list(response.as_object_mut()?, "output"));
            if let Some(output) = output {
                return responses::items(Value::Array(output), source);
            }
        }
        Some(class) => {
            if let Some(Value::Object(item)) = map.get("item") {
                if known.has(item, class) {
                    return Vec::new();
                }
                let item = take(&mut map, "item").into_iter().collect();
                return responses::items(Value::Array(item), source);
            }
        }
        None => {}
    }
    if kind.is_empty() && map.contains_key("role") {
        return chat::said(Value::Object(map), source, role);
    }
    if kind == "conversation.item.input_audio_transcription.completed"
        && let Some(text) = take_text(&mut map, "transcript")
    {
        return chat::message(Value::String(text), source, "user");
    }
    if ANNOUNCEMENTS.contains(&kind.as_str()) {
        return Vec::new();
    }
    // A session's tools may carry credentials.
    let event = parameters::masked(Value::Object(map), false);
    let mut message = Message::with_raw(source, "event", event);
    message.name = Some(kind).filter(|kind| !kind.is_empty());
    message.read_marks();
    vec![message]
}
