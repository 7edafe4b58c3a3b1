//! What a request added to its session, to be compared with what a request of another session added.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::fingerprint::Fingerprint;
use super::message::Message;
use super::outline::{calls, identity};
use super::{Content, Disclosed, Disclosure};

/// What a request added to its session. Of each part a number that is equal for equal parts, within this process; `None` where
/// it is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The new messages of its prompt.
    pub prompt: Option<u64>,
    /// The parameters beside the model.
    pub parameters: Option<u64>,
    /// The tools that its response calls, with their arguments.
    pub calls: Option<u64>,
    /// The text of its response.
    pub answer: Option<u64>,
    /// The beginning of its last new message.
    pub prompt_excerpt: Option<String>,
    /// The beginning of its response: its text, or its calls where it has none.
    pub answer_excerpt: Option<String>,
}

/// Parameters that say nothing of how the model answers.
const OTHER_PARAMETERS: [&str; 3] = ["model", "user", "stream"];

/// The characters of an excerpt.
const EXCERPT: usize = 200;

impl Content {
    /// What the request added, of which these messages are `new`, see [`super::Conversation::follow`]: as its reader may see it,
    /// so that nothing that is blacked out can be guessed. `None` for a reader who may not see the content.
    #[must_use]
    pub fn turn(mut self, new: &[bool], disclosure: Disclosure<'_>) -> Option<Turn> {
        if matches!(disclosure, Disclosure::Withheld) {
            return None;
        }
        let parameters = std::mem::take(&mut self.parameters);
        let added = Self { parameters, ..self.added(new) };
        Some(Turn::of(&added.disclose(disclosure)))
    }
}

impl Turn {
    fn of(disclosed: &Disclosed) -> Self {
        let availability = &disclosed.availability;
        let has_prompt = availability.prompt.content_available;
        let has_response = availability.response.content_available;
        let (prompt, response) = (&disclosed.prompt, &disclosed.response);
        let last = prompt.iter().rev().find_map(excerpt);
        Self {
            prompt: has_prompt.then(|| messages(prompt)),
            parameters: has_prompt.then(|| parameters(&disclosed.parameters)),
            calls: has_response.then(|| called(response)),
            answer: has_response.then(|| said(response)),
            prompt_excerpt: last.filter(|_| has_prompt),
            answer_excerpt: response.iter().find_map(excerpt).filter(|_| has_response),
        }
    }
}

fn messages(messages: &[Message]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (index, message) in messages.iter().enumerate() {
        Fingerprint::new(message, 0, index).exact.hash(&mut hasher);
    }
    hasher.finish()
}

fn parameters(parameters: &Map<String, Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    // serde_json has the keys of an object in their order.
    for (name, value) in parameters.iter().filter(|(name, _)| !OTHER_PARAMETERS.contains(&name.as_str())) {
        (name, value.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

fn called(response: &[Message]) -> u64 {
    // Calls of one answer have no order.
    let mut identities: Vec<u64> = calls(response).map(identity).collect();
    identities.sort_unstable();
    let mut hasher = DefaultHasher::new();
    identities.hash(&mut hasher);
    hasher.finish()
}

fn said(response: &[Message]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for message in response {
        let texts = [&message.text, &message.refusal].into_iter().flatten();
        texts.flat_map(|text| text.split_whitespace()).for_each(|word| word.hash(&mut hasher));
    }
    hasher.finish()
}

/// The beginning of what a message says or calls.
fn excerpt(message: &Message) -> Option<String> {
    let text = message.text.as_deref().or(message.refusal.as_deref()).map(str::trim).filter(|text| !text.is_empty());
    if let Some(text) = text {
        return Some(cut(text));
    }
    let calls: Vec<String> =
        message.tool_calls.iter().map(|call| format!("{}({})", call.name, call.arguments)).collect();
    (!calls.is_empty()).then(|| cut(&calls.join(", ")))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
