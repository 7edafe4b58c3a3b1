//! Telling whether two stored messages are the same one.
//!
//! A client sends the assistant's answer back in words of its own: without the reasoning, with `""` for null, with its
//! tool arguments written anew, in Anthropic's blocks where the answer was stored in `OpenAI`'s shape. And LiteLLM may
//! have shortened the copy in the prompt and not the one in the response.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::marks;
use super::message::Message;

/// What is at least said in a message that is not said twice by chance, in characters.
const TELLING: usize = 24;
/// Texts from this length on may have been shortened elsewhere.
const SHORTENED: usize = 64;
/// Longer texts are not kept to recognise their shortened copy by.
const LONGEST_KEPT: usize = 256 * 1024;
/// A call's id of this length is taken for unique.
const UNIQUE_ID: usize = 8;

/// A message's identity. `T` is its text, borrowed from the message or kept.
#[derive(Debug, Clone)]
pub struct Fingerprint<T> {
    /// Equal for equal messages.
    pub exact: u64,
    /// Whether the message says enough not to be repeated by chance.
    pub telling: bool,
    /// By what its shortened or its full copy is recognised.
    pub twins: Vec<Twin<T>>,
}

/// How a message may be recognised in a copy that was shortened.
#[derive(Debug, Clone)]
pub enum Twin<T> {
    /// A shortened text: its beginning, its end, and how much is missing between them.
    Cut { frame: u64, head: Piece, skipped: u64, tail: Piece },
    /// A full text.
    Full { frame: u64, characters: u64, text: T },
    /// Tool calls by their ids and names, and whether their arguments were shortened or masked.
    Calls { frame: u64, cut: bool },
}

/// A piece of text that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    characters: u64,
    hash: u64,
}

impl Piece {
    fn new(text: &str) -> Self {
        Self { characters: count(text), hash: hash_of(text) }
    }
}

impl<'a> Fingerprint<&'a str> {
    /// The identity of the message at `index` of the request at `position`.
    pub fn new(message: &'a Message, position: u64, index: usize) -> Self {
        if message.redacted && !message.has_content() {
            // What was replaced cannot be compared: it is only ever itself.
            return Self { exact: hash_of(("redacted", position, index)), telling: false, twins: Vec::new() };
        }
        let text = message.text.as_deref().filter(|text| !text.is_empty()).or(message.refusal.as_deref()).unwrap_or("");
        let outline = outline(message);
        let mut frame = DefaultHasher::new();
        outline.hash(&mut frame);
        arguments(message, &mut frame);
        let frame = frame.finish();
        let mut exact = DefaultHasher::new();
        frame.hash(&mut exact);
        if message.role == "assistant" {
            // Providers join blocks of text differently, and clients trim them.
            text.chars().filter(|c| !c.is_whitespace()).for_each(|c| c.hash(&mut exact));
        } else {
            text.hash(&mut exact);
        }
        let mut twins = Vec::new();
        twins.extend(text_twin(text, frame));
        twins.extend(calls_twin(message, outline));
        Self { exact: exact.finish(), telling: is_telling(message, text), twins }
    }

    /// The identity without the text, for a message of a prompt. What was shortened can be told without it, and what was
    /// not will not be in the next prompt.
    pub fn of_prompt(&self) -> Fingerprint<Box<str>> {
        self.kept(|text| matches!(text, Twin::Cut { .. } | Twin::Calls { cut: true, .. }))
    }

    /// The identity with the text, for a message of a response, which the next prompt may have shortened.
    pub fn of_response(&self) -> Fingerprint<Box<str>> {
        self.kept(|twin| !matches!(twin, Twin::Full { text, .. } if text.len() > LONGEST_KEPT))
    }

    fn kept(&self, keep: impl Fn(&Twin<&'a str>) -> bool) -> Fingerprint<Box<str>> {
        let twins = self.twins.iter().filter(|twin| keep(twin)).map(Twin::owned).collect();
        Fingerprint { exact: self.exact, telling: self.telling, twins }
    }
}

impl Twin<&str> {
    fn owned(&self) -> Twin<Box<str>> {
        match *self {
            Twin::Cut { frame, head, skipped, tail } => Twin::Cut { frame, head, skipped, tail },
            Twin::Full { frame, characters, text } => Twin::Full { frame, characters, text: text.into() },
            Twin::Calls { frame, cut } => Twin::Calls { frame, cut },
        }
    }
}

impl<T: AsRef<str>> Twin<T> {
    /// What is the same for both copies; twins of different keys are never the same message.
    pub fn key(&self) -> (u64, u64) {
        match self {
            Twin::Cut { frame, head, skipped, tail } => {
                (*frame, head.characters.saturating_add(*skipped).saturating_add(tail.characters))
            }
            Twin::Full { frame, characters, .. } => (*frame, *characters),
            Twin::Calls { frame, .. } => (*frame, u64::MAX),
        }
    }

    /// Whether one is the shortened copy of the other.
    pub fn is_copy<U: AsRef<str>>(&self, other: &Twin<U>) -> bool {
        self.key() == other.key()
            && match (self, other) {
                (Twin::Cut { head, tail, .. }, Twin::Full { text, .. }) => surrounds(*head, *tail, text.as_ref()),
                (Twin::Full { text, .. }, Twin::Cut { head, tail, .. }) => surrounds(*head, *tail, text.as_ref()),
                (Twin::Calls { cut, .. }, Twin::Calls { cut: other, .. }) => cut != other,
                _ => false,
            }
    }
}

/// Whether a text begins and ends so.
fn surrounds(head: Piece, tail: Piece, text: &str) -> bool {
    let (Ok(first), Ok(last)) = (usize::try_from(head.characters), usize::try_from(tail.characters)) else {
        return false;
    };
    let end = text.char_indices().nth(first).map_or(text.len(), |(at, _)| at);
    let start = match last {
        0 => text.len(),
        last => text.char_indices().rev().nth(last - 1).map_or(0, |(at, _)| at),
    };
    Piece::new(&text[..end]) == head && Piece::new(&text[start..]) == tail
}

fn text_twin(text: &str, frame: u64) -> Option<Twin<&str>> {
    if let Some(cut) = marks::cut(text) {
        let (head, tail) = (Piece::new(cut.head), Piece::new(cut.tail));
        return Some(Twin::Cut { frame, head, skipped: cut.skipped, tail });
    }
    (text.len() >= SHORTENED).then(|| Twin::Full { frame, characters: count(text), text })
}

fn calls_twin<'a>(message: &Message, outline: u64) -> Option<Twin<&'a str>> {
    let unique = |id: &Option<String>| id.as_ref().is_some_and(|id| id.len() >= UNIQUE_ID);
    if message.tool_calls.is_empty() || !message.tool_calls.iter().all(|call| unique(&call.id)) {
        return None;
    }
    let mut cut = false;
    for call in &message.tool_calls {
        cut |= call.arguments_text.as_deref().is_some_and(|text| marks::cut(text).is_some());
        // Anthropic's prompts hold them as JSON, where each text is shortened, or masked, by itself.
        super::json::each_text(&call.arguments, &mut |text| {
            cut |= marks::cut(text).is_some() || marks::is_redacted(text);
        });
    }
    Some(Twin::Calls { frame: outline, cut })
}

/// Everything but the text and the tool calls' arguments.
fn outline(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.role.hash(&mut hasher);
    message.tool_call_id.hash(&mut hasher);
    if message.role == "function" {
        message.name.hash(&mut hasher);
    }
    for call in &message.tool_calls {
        (&call.id, &call.name).hash(&mut hasher);
    }
    // What an assistant painted or spoke comes back as an id, if at all.
    if message.role != "assistant" {
        for part in &message.parts {
            (&part.kind, &part.left_out_sha256).hash(&mut hasher);
            hash_json(&part.raw, &mut hasher);
        }
    }
    let only_raw = message.text.is_none()
        && message.parts.is_empty()
        && message.tool_calls.is_empty()
        && message.refusal.is_none()
        && message.reasoning.is_none();
    if let (true, Some(raw)) = (only_raw, &message.raw) {
        hash_json(raw, &mut hasher);
    }
    hasher.finish()
}

fn arguments(message: &Message, hasher: &mut DefaultHasher) {
    for call in &message.tool_calls {
        call.arguments_text.hash(hasher);
        hash_json(&call.arguments, hasher);
    }
}

/// JSON as it is read, so that neither spaces nor escapes nor the order of keys matter.
fn hash_json(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Array(items) => {
            items.len().hash(hasher);
            for item in items {
                hash_json(item, hasher);
            }
        }
        Value::Object(map) => {
            // Clients move their cache marks along with the conversation.
            for (key, item) in map.iter().filter(|(key, _)| *key != "cache_control") {
                key.hash(hasher);
                hash_json(item, hasher);
            }
            hasher.write_u8(b'}');
        }
        Value::String(text) => ('"', text).hash(hasher),
        other => other.to_string().hash(hasher),
    }
}

fn is_telling(message: &Message, text: &str) -> bool {
    if matches!(message.role.as_str(), "system" | "developer") {
        return false;
    }
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let of_call = |call: &super::ToolCall| {
        let arguments = if call.arguments.is_null() { 0 } else { call.arguments.to_string().len() };
        length(&call.id) + call.name.len() + arguments
    };
    let calls: usize = message.tool_calls.iter().map(of_call).sum();
    text.chars().take(TELLING).count() + length(&message.tool_call_id) + calls >= TELLING
}

fn count(text: &str) -> u64 {
    text.chars().count() as u64
}

/// A hash that is the same in every process, as a page's cursor needs it.
fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
