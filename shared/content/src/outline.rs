//! What a request is in its session, without what was said in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256};

use super::message::{Message, ToolCall};
use super::{Content, Disclosure, History, fingerprint, json};

/// What a request is in its session, without what was said in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Whether a human spoke: the request added a message of the user. `None` where its prompt is not stored, or is no part of
    /// a conversation.
    pub human: Option<bool>,
    /// Which part of its prompt the session had before, from 0 to 1, by the length of the messages; `None` as for `human`, and
    /// where LiteLLM stored the latest turn only.
    pub repeated: Option<f64>,
    /// The tools that its response calls.
    pub calls: Vec<Call>,
}

/// A call of a tool, by what it is and not by what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tool's name.
    pub tool: String,
    /// Equal for calls of a tool with equal arguments, within this process.
    pub identity: u64,
    /// A short hash of the tool and its arguments as the reader may see them: nothing that is blacked out can be guessed by
    /// it. `None` for a call without arguments.
    pub arguments_hash: Option<String>,
}

impl Content {
    /// The outline of a request of which these messages are `new`, see [`super::Conversation::follow`]. `None` for a reader who
    /// may not see the content.
    #[must_use]
    pub fn outline(self, new: &[bool], disclosure: Disclosure<'_>) -> Option<Outline> {
        if matches!(disclosure, Disclosure::Withheld) {
            return None;
        }
        let is_known = self.availability.prompt.content_available && self.history != History::None;
        let added = || self.prompt.iter().zip(new).filter(|(_, new)| **new).map(|(message, _)| message);
        let human = is_known.then(|| added().any(is_of_a_human));
        let repeats = is_known && self.history == History::Repeated;
        let repeated = repeats.then(|| repeated(&self.prompt, added())).flatten();
        let identities: Vec<u64> = calls(&self.response).map(identity).collect();
        let disclosed = self.disclose(disclosure);
        let call = |(call, identity): (&ToolCall, u64)| Call {
            tool: call.name.clone(),
            identity,
            arguments_hash: arguments_hash(call),
        };
        let calls = calls(&disclosed.response).zip(identities).map(call).collect();
        Some(Outline { human, repeated, calls })
    }
}

fn is_of_a_human(message: &Message) -> bool {
    message.role == "user"
        && (message.text.as_deref().is_some_and(|text| !text.is_empty()) || !message.parts.is_empty())
}

/// Which part of a prompt is not new, by the length of its messages.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn repeated<'a>(prompt: &[Message], added: impl Iterator<Item = &'a Message>) -> Option<f64> {
    let length = |message: &Message| serde_json::to_vec(message).map_or(0, |json| json.len());
    let whole: usize = prompt.iter().map(length).sum();
    let added: usize = added.map(length).sum();
    (whole > 0).then(|| (whole - added.min(whole)) as f64 / whole as f64)
}

pub(super) fn calls(response: &[Message]) -> impl Iterator<Item = &ToolCall> {
    response.iter().flat_map(|message| &message.tool_calls)
}

pub(super) fn identity(call: &ToolCall) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.name.hash(&mut hasher);
    fingerprint::call_arguments(call, &mut hasher);
    hasher.finish()
}

/// How many bytes of a hash are shown: enough to tell the calls of a session apart.
const HASH_BYTES: usize = 6;

fn arguments_hash(call: &ToolCall) -> Option<String> {
    if call.arguments_text.is_none() && json::is_blank(&call.arguments) {
        return None;
    }
    // serde_json writes the keys of an object in their order.
    let arguments = call.arguments_text.clone().unwrap_or_else(|| call.arguments.to_string());
    let hash = Sha256::new_with_prefix(&call.name).chain_update([0]).chain_update(arguments).finalize();
    Some(hex::encode(&hash[..HASH_BYTES]))
}
