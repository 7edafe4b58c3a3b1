//! What streams and realtime sessions say in pieces: the pieces are put together, and if anything is found in the whole,
//! it takes the place of the first piece.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use serde_json::{Map, Value};

use super::super::json;
use super::Redaction;

/// Under which names events have a piece of what is said, or of a tool's arguments.
const PIECES: &[&str] = &[
    "arguments",
    "content",
    "delta",
    "input",
    "output",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "refusal",
    "text",
    "thinking",
    "transcript",
];
/// What tells the pieces of one text from those of another.
const SAME_TEXT: &[&str] = &["type", "item_id", "output_index", "content_index", "index"];
/// How LiteLLM begins the text that it stores of a stream it could not read: a list of lines as Python writes it.
const CHUNKS: &str = "Chunks=[";

/// A text with events in it.
struct Host {
    text: String,
    /// Where it stands in the text around it.
    place: Range<usize>,
    /// How Python quotes it there.
    quote: Option<char>,
    events: Vec<Event>,
}

struct Event {
    /// Where it stands in its host.
    place: Range<usize>,
    value: Value,
    changed: bool,
}

impl Redaction {
    /// Replaces in the events within a text; `None` if there are none, or nothing to replace in them.
    pub(super) fn stream(&self, text: &str, depth: u8) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let mut hosts = hosts(text);
        let mut events: Vec<&mut Event> = hosts.iter_mut().flat_map(|host| &mut host.events).collect();
        for event in &mut events {
            event.changed = self.value_within(&mut event.value, depth);
        }
        let mut values: Vec<&mut Value> = events.iter_mut().map(|event| &mut event.value).collect();
        for place in self.pieces(&mut values, depth) {
            events[place].changed = true;
        }
        if !events.iter().any(|event| event.changed) {
            return None;
        }
        let hosts = hosts.into_iter().filter(|host| host.events.iter().any(|event| event.changed));
        Some(rewritten(text, hosts.map(|host| (host.place.clone(), host.rewritten()))))
    }

    /// Replaces what events say in pieces, those of realtime sessions and of streams. Returns the places of the events
    /// that changed.
    pub(super) fn pieces(&self, events: &mut [&mut Value], depth: u8) -> BTreeSet<usize> {
        let mut texts: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate().filter(|(_, event)| is_piece(event)) {
            let mut name = String::new();
            for value in SAME_TEXT.iter().map(|key| event.get(*key)) {
                let _ = write!(name, "{};", value.unwrap_or(&Value::Null));
            }
            each_piece(event, &name, "", &mut |name, pointer| texts.entry(name).or_default().push((place, pointer)));
        }
        let mut changed = BTreeSet::new();
        for pieces in texts.values().filter(|pieces| pieces.len() > 1) {
            let texts = pieces.iter().filter_map(|(place, pointer)| events[*place].pointer(pointer)?.as_str());
            let mut whole: String = texts.collect();
            if !self.text_within(&mut whole, depth) {
                continue;
            }
            let mut whole = Some(whole);
            for (place, pointer) in pieces {
                if let Some(piece) = events[*place].pointer_mut(pointer) {
                    *piece = Value::String(whole.take().unwrap_or_default());
                    changed.insert(*place);
                }
            }
        }
        if !changed.is_empty() {
            // They hold the same once more, a token at a time.
            for (place, event) in events.iter_mut().enumerate() {
                if without_log_probabilities(event) {
                    changed.insert(place);
                }
            }
        }
        changed
    }
}

/// Whether a value is an event that says part of something.
pub(super) fn is_piece(event: &Value) -> bool {
    let Some(event) = event.as_object() else { return false };
    let says = |key: &str, part: &str| json::text(event, key).is_some_and(|text| text.contains(part));
    if says("type", "audio.delta") {
        return false;
    }
    let choices = || event.get("choices").and_then(Value::as_array).into_iter().flatten();
    event.contains_key("delta")
        || event.contains_key("candidates")
        || says("type", "delta")
        || says("object", "chunk")
        || says("object", "text_completion")
        || choices().any(|choice| choice.get("delta").is_some())
}

/// Calls `found` with the name of the text that each piece belongs to, and the piece's pointer.
fn each_piece(value: &Value, name: &str, pointer: &str, found: &mut impl FnMut(String, String)) {
    match value {
        Value::Object(map) => each_piece_of_entries(map, name, pointer, found),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                // Tool calls and choices say by themselves which they are; an event need not have all of them.
                let index = item.get("index").map_or_else(|| "*".to_owned(), Value::to_string);
                each_piece(item, &format!("{name}/{index}"), &format!("{pointer}/{place}"), found);
            }
        }
        _ => {}
    }
}

fn each_piece_of_entries(map: &Map<String, Value>, name: &str, pointer: &str, found: &mut impl FnMut(String, String)) {
    for (key, value) in map {
        let name = format!("{name}/{key}");
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::String(_) if PIECES.contains(&key.as_str()) => found(name, pointer),
            Value::Object(_) | Value::Array(_) => each_piece(value, &name, &pointer, found),
            _ => {}
        }
    }
}

fn without_log_probabilities(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            let mut changed = false;
            for (key, value) in map {
                if key == "logprobs" && !value.is_null() {
                    *value = Value::Null;
                    changed = true;
                } else {
                    changed |= without_log_probabilities(value);
                }
            }
            changed
        }
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= without_log_probabilities(item);
            }
            changed
        }
        _ => false,
    }
}

/// The events of a text: those of a stream, or of the lines that LiteLLM lists after [`CHUNKS`].
fn hosts(text: &str) -> Vec<Host> {
    if let Some(at) = text.find(CHUNKS) {
        return listed(text, at + CHUNKS.len());
    }
    if text.starts_with("data:") || text.contains("\ndata:") {
        return vec![Host::new(text.to_owned(), 0..text.len(), None)];
    }
    Vec::new()
}

/// The texts of a list as Python writes it, from the place after its bracket on.
fn listed(text: &str, start: usize) -> Vec<Host> {
    let mut hosts = Vec::new();
    let mut at = start;
    loop {
        at += text[at..].len() - text[at..].trim_start_matches([' ', ',', '\n', 'b', 'u']).len();
        let Some(quote @ ('\'' | '"')) = text[at..].chars().next() else {
            return hosts;
        };
        let (written, end) = unquoted(text, at + 1, quote);
        hosts.push(Host::new(written, at + 1..end, Some(quote)));
        at = (end + 1).min(text.len());
    }
}

/// What a quoted text of Python's says, and where it ends: at its quote, or at the end of a text that was cut off.
fn unquoted(text: &str, start: usize, quote: char) -> (String, usize) {
    let mut said = String::new();
    let mut letters = text[start..].char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            letter if letter == quote => return (said, start + at),
            '\\' => match letters.next() {
                Some((_, 'n')) => said.push('\n'),
                Some((_, 'r')) => said.push('\r'),
                Some((_, 't')) => said.push('\t'),
                Some((_, letter @ ('\\' | '\'' | '"'))) => said.push(letter),
                Some((_, other)) => said.extend(['\\', other]),
                None => said.push('\\'),
            },
            letter => said.push(letter),
        }
    }
    (said, text.len())
}

impl Host {
    fn new(text: String, place: Range<usize>, quote: Option<char>) -> Self {
        let mut events = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let said = line.strip_prefix("data:").unwrap_or(line).trim();
            if let Some(value) = json::structured(said).filter(|_| line.starts_with("data:") || quote.is_some()) {
                // The line is its beginning, spaces, the event and spaces.
                let at = start + line.rfind(said).unwrap_or_default();
                events.push(Event { place: at..at + said.len(), value, changed: false });
            }
            start += line.len();
        }
        Self { text, place, quote, events }
    }

    /// As it stands in the text around it, with the events that changed.
    fn rewritten(&self) -> String {
        let changed = self.events.iter().filter(|event| event.changed);
        let text = rewritten(&self.text, changed.map(|event| (event.place.clone(), event.value.to_string())));
        let Some(quote) = self.quote else { return text };
        let mut quoted = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                letter if letter == quote || letter == '\\' => quoted.extend(['\\', letter]),
                letter => quoted.push(letter),
            }
        }
        quoted
    }
}

/// The text with other words in these places, which are in order.
fn rewritten(text: &str, places: impl Iterator<Item = (Range<usize>, String)>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut end = 0;
    for (place, words) in places {
        written.push_str(&text[end..place.start]);
        written.push_str(&words);
        end = place.end;
    }
    written.push_str(&text[end..]);
    written
}
