//! Telling whether two stored messages are the same one.
//!
//! A client sends the assistant's answer back in words of its own: without the reasoning, with `""` for null, with its
//! tool arguments written anew, in Anthropic's blocks where the answer was stored in `OpenAI`'s shape. LiteLLM may have
//! shortened the copy in the prompt and not the one in the response. And the ids of tool calls may be the proxy's own, which
//! it made up for the log: the client never saw them, and its copy has others or none. So a message is known by what it
//! says and calls; its ids only help to tell it from its equals.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

use serde_json::Value;

use super::instructions::{self, is_instruction};
use super::marks;
use super::message::{Message, ToolCall};

/// What is at least said in messages that are not said twice by chance, in characters.
pub const TELLING: usize = 24;
/// Texts from this length on may have been shortened elsewhere.
const SHORTENED: usize = 64;
/// Longer texts are not kept to recognise their shortened copy by.
const LONGEST_KEPT: usize = 256 * 1024;
/// Up to here every whole number is a float of its own.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
/// A call's id of this length is taken for unique.
const UNIQUE_ID: usize = 8;

/// A message's identity. `T` is its text, borrowed from the message or kept.
#[derive(Debug, Clone)]
pub struct Fingerprint<T> {
    /// Equal for equal messages, whatever the ids of their tool calls.
    pub exact: u64,
    /// The ids of the message's tool calls, or of the call that it answers; none if any of them may be used twice.
    pub ids: Option<NonZeroU64>,
    /// How much the message says, in characters up to [`TELLING`].
    pub weight: usize,
    /// Whether the model said it.
    pub of_model: bool,
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
    /// Tool calls by their names and ids, and whether their arguments were shortened or masked.
    Calls { frame: u64, ids: Option<NonZeroU64>, cut: bool },
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
            let exact = hash_of(("redacted", position, index));
            return Self { exact, ids: None, weight: 0, of_model: false, twins: Vec::new() };
        }
        let text = message.text.as_deref().filter(|text| !text.is_empty()).or(message.refusal.as_deref()).unwrap_or("");
        let outline = outline(message);
        let ids = ids(message);
        let mut frame = DefaultHasher::new();
        outline.hash(&mut frame);
        arguments(message, &mut frame);
        let frame = frame.finish();
        let mut exact = DefaultHasher::new();
        frame.hash(&mut exact);
        let of_model = message.role == "assistant";
        if of_model {
            // Providers join blocks of text differently, and clients trim them.
            text.split_whitespace().collect::<String>().hash(&mut exact);
        } else if is_instruction(message) {
            instructions::lasting_lines(text).for_each(|line| line.hash(&mut exact));
        } else {
            text.hash(&mut exact);
        }
        let mut twins = Vec::new();
        twins.extend(text_twin(text, frame));
        twins.extend(calls_twin(message, outline, ids));
        Self { exact: exact.finish(), ids, weight: weight(message, text), of_model, twins }
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
        Fingerprint { exact: self.exact, ids: self.ids, weight: self.weight, of_model: self.of_model, twins }
    }
}

impl Twin<&str> {
    fn owned(&self) -> Twin<Box<str>> {
        match *self {
            Twin::Cut { frame, head, skipped, tail } => Twin::Cut { frame, head, skipped, tail },
            Twin::Full { frame, characters, text } => Twin::Full { frame, characters, text: text.into() },
            Twin::Calls { frame, ids, cut } => Twin::Calls { frame, ids, cut },
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

    /// Whether what this recognises was shortened.
    pub fn is_cut(&self) -> bool {
        matches!(self, Twin::Cut { .. } | Twin::Calls { cut: true, .. })
    }

    /// Whether one is the shortened copy of the other, wherever they stand.
    pub fn is_copy<U: AsRef<str>>(&self, other: &Twin<U>) -> bool {
        self.key() == other.key()
            && match (self, other) {
                (Twin::Cut { head, tail, .. }, Twin::Full { text, .. }) => surrounds(*head, *tail, text.as_ref()),
                (Twin::Full { text, .. }, Twin::Cut { head, tail, .. }) => surrounds(*head, *tail, text.as_ref()),
                (Twin::Calls { ids, cut, .. }, Twin::Calls { ids: other, cut: other_cut, .. }) => {
                    cut != other_cut && ids.is_some() && ids == other
                }
                _ => false,
            }
    }

    /// Whether one is the shortened copy of the other, given that they stand in the same place: what was cut out of the
    /// arguments of a call cannot be compared, and its id may have been made up.
    pub fn is_copy_in_place<U: AsRef<str>>(&self, other: &Twin<U>) -> bool {
        match (self, other) {
            (Twin::Calls { cut, .. }, Twin::Calls { cut: other_cut, .. }) => {
                self.key() == other.key() && cut != other_cut
            }
            _ => self.is_copy(other),
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

fn calls_twin<'a>(message: &Message, outline: u64, ids: Option<NonZeroU64>) -> Option<Twin<&'a str>> {
    if message.tool_calls.is_empty() {
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
    Some(Twin::Calls { frame: outline, ids, cut })
}

/// The ids of a message, if all of them are unique.
fn ids(message: &Message) -> Option<NonZeroU64> {
    let mut hasher = DefaultHasher::new();
    let calls = message.tool_calls.iter().map(|call| &call.id);
    let answered = message.tool_call_id.is_some().then_some(&message.tool_call_id);
    let mut any = false;
    for id in calls.chain(answered) {
        id.as_ref().filter(|id| id.len() >= UNIQUE_ID)?.hash(&mut hasher);
        any = true;
    }
    NonZeroU64::new(hasher.finish()).filter(|_| any)
}

/// Everything but the text, the ids, and the tool calls' arguments.
fn outline(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.role.hash(&mut hasher);
    if message.role == "function" {
        message.name.hash(&mut hasher);
    }
    for call in &message.tool_calls {
        call.name.hash(&mut hasher);
    }
    // What an assistant painted or spoke comes back as an id, if at all.
    if message.role != "assistant" {
        for part in message.parts.iter().filter(|part| !is_cache_mark(&part.raw)) {
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

/// Whether a part is Converse's mark for the end of what the provider caches, which moves along with the conversation.
fn is_cache_mark(raw: &Value) -> bool {
    raw.as_object().is_some_and(|map| map.contains_key("cachePoint"))
}

fn arguments(message: &Message, hasher: &mut DefaultHasher) {
    message.tool_calls.iter().for_each(|call| call_arguments(call, hasher));
}

/// Adds the arguments of one call.
pub fn call_arguments(call: &ToolCall, hasher: &mut DefaultHasher) {
    call.arguments_text.hash(hasher);
    // A call without arguments has null, an empty text, or an empty object of them.
    if !super::json::is_blank(&call.arguments) {
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
        // Gemini and Bedrock hold every number as a float, so that 3 comes back as 3.0.
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < LARGEST_EXACT => (float + 0.0).to_bits().hash(hasher),
            _ => number.to_string().hash(hasher),
        },
        other => other.to_string().hash(hasher),
    }
}

fn weight(message: &Message, text: &str) -> usize {
    if is_instruction(message) {
        return 0;
    }
    let of_call = |call: &super::ToolCall| {
        let arguments = if call.arguments.is_null() { 0 } else { call.arguments.to_string().len() };
        call.name.len() + arguments + call.arguments_text.as_ref().map_or(0, String::len)
    };
    let calls: usize = message.tool_calls.iter().map(of_call).sum();
    (text.chars().take(TELLING).count() + calls).min(TELLING)
}

fn count(text: &str) -> u64 {
    text.chars().count() as u64
}

/// A hash that is the same in every process, as a page's cursor needs it.
pub fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
