//! Server-sent events that a pass-through endpoint stored as their text.

use serde_json::Value;

use super::json;
use super::message::{Message, Source};

/// Where providers put the next piece of text within an event.
const PIECES: &[&str] =
    &["/choices/0/delta/content", "/choices/0/text", "/delta/text", "/candidates/0/content/parts/0/text"];

/// The text of a stream of events, with the stream itself beside it; `None` if the text is no such stream.
pub fn read(text: &str) -> Option<Message> {
    let events: Vec<Value> =
        text.lines().filter_map(|line| json::structured(line.strip_prefix("data:")?.trim())).collect();
    if events.is_empty() {
        return None;
    }
    let said: String = events.iter().filter_map(piece).collect();
    let mut message = Message::new(Source::Response, "assistant");
    message.text = (!said.is_empty()).then_some(said);
    message.raw = Some(Value::String(text.to_owned()));
    Some(message)
}

fn piece(event: &Value) -> Option<&str> {
    if event.get("type").and_then(Value::as_str) == Some("response.output_text.delta") {
        return event.get("delta")?.as_str();
    }
    PIECES.iter().find_map(|path| event.pointer(path)?.as_str())
}
