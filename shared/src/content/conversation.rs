//! Which messages of each request of a session are new.
//!
//! A chat API keeps nothing: each request repeats the conversation so far, and the session's log holds its beginning as
//! often as it has requests. A [`Conversation`] remembers where the conversations of a session stand (they may run
//! in parallel, fork, or be tried again), finds the one that a prompt continues, and tells what it adds.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::fingerprint::{Fingerprint, Twin};
use super::message::Message;
use super::{Content, History};

/// How many conversations of a session are followed at a time.
const MOST_TIPS: usize = 32;
/// How many messages all of them may hold together; the oldest are given up beyond it.
const MOST_MESSAGES: usize = 640_000;
/// How many conversations a prompt is compared with in full.
const MOST_COMPARED: usize = 8;
/// The largest histories that are compared message by message; of larger ones only beginning and end are.
const LARGEST_DIFF: usize = 20_000;

/// The state of a session's conversations, of bounded size.
#[derive(Debug, Default)]
pub struct Conversation {
    /// Where conversations stand, the oldest first.
    tips: Vec<Tip>,
}

/// The last request of a conversation: its prompt, and the responses that may be continued.
#[derive(Debug)]
struct Tip {
    position: u64,
    prompt: Context,
    /// One per choice; one without messages if there was no response.
    responses: Vec<Context>,
}

/// The messages of a prompt or a response, as their fingerprints.
#[derive(Debug, Default)]
struct Context {
    messages: Vec<u64>,
    /// What recognises shortened copies, by the message's index; few messages have it.
    twins: HashMap<usize, Vec<Twin<Box<str>>>>,
}

/// A request's prompt while it is compared.
type Prompt<'a> = [Fingerprint<&'a str>];

/// How far a prompt and a conversation agree from the start.
#[derive(Clone, Copy)]
struct Start {
    messages: usize,
    /// The prompt has the whole of the conversation.
    whole: bool,
}

impl Conversation {
    /// A session without requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the session's next request. Returns for each message of its prompt whether it is new; its response always
    /// is. `position` identifies the request for [`Self::restore`] and must be different for each.
    pub fn add(&mut self, position: u64, content: &Content) -> Vec<bool> {
        let count = content.prompt.len();
        match content.history {
            History::None => vec![true; count],
            History::Kept => {
                let prompt = fingerprints(&content.prompt, position);
                let instructions = instructions(&content.prompt);
                let known = self.starts(&prompt[..instructions]).iter().map(|start| start.messages).max().unwrap_or(0);
                if known < instructions {
                    self.restore(position, content);
                }
                (0..count).map(|index| index >= known).collect()
            }
            History::Repeated => {
                let prompt = fingerprints(&content.prompt, position);
                let new = self.new_messages(&prompt);
                self.push(Tip::new(position, &prompt, &content.response));
                new
            }
        }
    }

    /// The positions of the requests that the state consists of, in order.
    #[must_use]
    pub fn tips(&self) -> Vec<u64> {
        self.tips.iter().map(|tip| tip.position).collect()
    }

    /// Rebuilds the state: called for each of the requests that [`Self::tips`] named, in that order, it makes a new
    /// conversation go on exactly as the one they were taken from.
    pub fn restore(&mut self, position: u64, content: &Content) {
        let prompt = fingerprints(&content.prompt, position);
        match content.history {
            History::None => {}
            History::Kept => self.push(Tip::new(position, &prompt[..instructions(&content.prompt)], &[])),
            History::Repeated => self.push(Tip::new(position, &prompt, &content.response)),
        }
    }

    fn push(&mut self, tip: Tip) {
        if tip.len() == 0 {
            return;
        }
        self.tips.push(tip);
        let mut total: usize = self.tips.iter().map(Tip::len).sum();
        while self.tips.len() > 1 && (self.tips.len() > MOST_TIPS || total > MOST_MESSAGES) {
            total -= self.tips.remove(0).len();
        }
    }

    fn starts(&self, prompt: &Prompt) -> Vec<Start> {
        self.tips.iter().map(|tip| tip.start(prompt)).collect()
    }

    /// Finds the conversation that a prompt continues, and gives up those that it replaces.
    fn new_messages(&mut self, prompt: &Prompt) -> Vec<bool> {
        let starts = self.starts(prompt);
        let longest = starts.iter().map(|start| start.messages).max().unwrap_or(0);
        // What is known from the start: of a continued conversation all of it, of a forked one what comes before the
        // fork.
        let mut known: Vec<bool> = (0..prompt.len()).map(|index| index < longest).collect();
        let mut best = longest;
        let mut edited = None;
        // A conversation that the prompt agrees with for longer is nearer to it than any that looks alike later on, so
        // only those are tried for a history that was edited, compacted, or moved along.
        let nearest = starts.iter().enumerate().rev().filter(|(_, start)| start.messages == longest && !start.whole);
        if longest < prompt.len() {
            for (index, _) in nearest.take(MOST_COMPARED) {
                if let Some(found) = self.tips[index].continued(prompt, longest) {
                    let matched = found.iter().filter(|known| **known).count();
                    if matched > best {
                        (best, known, edited) = (matched, found, Some(index));
                    }
                }
            }
        }
        let mut index = 0;
        self.tips.retain(|tip| {
            let replaced = starts[index].whole || edited == Some(index);
            index += 1;
            // Of several choices another one may still be continued.
            !replaced || tip.responses.len() > 1
        });
        known.into_iter().map(|known| !known).collect()
    }
}

impl Tip {
    fn new(position: u64, prompt: &Prompt, response: &[Message]) -> Self {
        let fingerprints = fingerprints(response, position ^ u64::MAX);
        let mut choices: Vec<Option<u64>> = response.iter().map(|message| message.choice).collect();
        choices.sort_unstable();
        choices.dedup();
        let of_choice = |choice: Option<u64>| {
            let messages = response.iter().zip(&fingerprints).filter(|(message, _)| message.choice == choice);
            messages.map(|(_, fingerprint)| fingerprint.of_response()).collect()
        };
        let responses =
            if choices.is_empty() { vec![Context::default()] } else { choices.into_iter().map(of_choice).collect() };
        Self { position, prompt: prompt.iter().map(Fingerprint::of_prompt).collect(), responses }
    }

    fn len(&self) -> usize {
        self.prompt.messages.len() + self.responses.iter().map(|response| response.messages.len()).sum::<usize>()
    }

    fn start(&self, prompt: &Prompt) -> Start {
        let messages = self.prompt.common(prompt);
        if messages < self.prompt.messages.len() {
            return Start { messages, whole: false };
        }
        let rest = &prompt[messages..];
        let responses = self.responses.iter().map(|response| {
            let common = response.common(rest);
            Start { messages: messages + common, whole: common == response.messages.len() }
        });
        responses.max_by_key(|start| (start.messages, start.whole)).unwrap_or(Start { messages, whole: true })
    }

    /// The messages of the prompt that are known, if it continues this conversation after its history was changed: one
    /// was edited, the older ones were summed up or left out.
    ///
    /// It does so if the prompt has what this conversation ended with, and that is more than a word that may as well
    /// have been said in another one. Without a response there is no such end.
    fn continued(&self, prompt: &Prompt, start: usize) -> Option<Vec<bool>> {
        let candidates = self.responses.iter().filter(|response| !response.messages.is_empty());
        let found = candidates.filter_map(|response| aligned(&self.prompt, response, prompt, start));
        found.max_by_key(|known| known.iter().filter(|known| **known).count())
    }
}

impl FromIterator<Fingerprint<Box<str>>> for Context {
    fn from_iter<I: IntoIterator<Item = Fingerprint<Box<str>>>>(fingerprints: I) -> Self {
        let mut context = Self::default();
        for (index, fingerprint) in fingerprints.into_iter().enumerate() {
            context.messages.push(fingerprint.exact);
            if !fingerprint.twins.is_empty() {
                context.twins.insert(index, fingerprint.twins);
            }
        }
        context
    }
}

impl Context {
    fn is(&self, index: usize, message: &Fingerprint<&str>) -> bool {
        self.messages[index] == message.exact
            || self
                .twins
                .get(&index)
                .is_some_and(|kept| kept.iter().any(|twin| message.twins.iter().any(|other| twin.is_copy(other))))
    }

    /// How many messages are the same from the start.
    fn common(&self, prompt: &Prompt) -> usize {
        let all = self.messages.len().min(prompt.len());
        (0..all).find(|index| !self.is(*index, &prompt[*index])).unwrap_or(all)
    }
}

/// Finds a changed history within a prompt that agrees with it up to `start`.
fn aligned(earlier: &Context, response: &Context, prompt: &Prompt, start: usize) -> Option<Vec<bool>> {
    let old: Vec<u64> = earlier.messages.iter().chain(&response.messages).copied().collect();
    let new = with_copies(earlier, response, prompt);
    let telling = |range: std::ops::Range<usize>| prompt[range].iter().any(|message| message.telling);
    let run_before = |end: usize| {
        let pairs = new[start..end].iter().rev().zip(old[start.min(old.len())..].iter().rev());
        pairs.take_while(|(new, old)| new == old).count()
    };
    let last = old.last()?;
    let ends = (start..new.len()).filter(|index| new[*index] == *last).map(|index| index + 1);
    // The same word may have been said again; where more of what led to it is the same, it is the one.
    let (run, end) = ends.rev().take(MOST_COMPARED).map(|end| (run_before(end), end)).max()?;
    if !telling(end - run..end) {
        return None;
    }
    let mut known: Vec<bool> = (0..new.len()).map(|index| index < start || (end - run..end).contains(&index)).collect();
    let (old, between) = (&old[start.min(old.len() - run)..old.len() - run], &new[start..end - run]);
    if old.len().max(between.len()) <= LARGEST_DIFF {
        for op in capture_diff_slices(Algorithm::Myers, old, between) {
            if let DiffOp::Equal { new_index, len, .. } = op {
                let same = start + new_index..start + new_index + len;
                // A word that is the same between two that differ was said twice rather than repeated.
                if telling(same.clone()) {
                    known[same].fill(true);
                }
            }
        }
    }
    Some(known)
}

/// The prompt's messages, those that are copies of earlier ones under the earlier ones' identity.
fn with_copies(earlier: &Context, response: &Context, prompt: &Prompt) -> Vec<u64> {
    let kept = [earlier, response].into_iter().flat_map(|context| {
        context.twins.iter().flat_map(|(index, twins)| twins.iter().map(|twin| (context.messages[*index], twin)))
    });
    let mut kept: Vec<(u64, &Twin<Box<str>>)> = kept.collect();
    kept.sort_by_key(|(exact, twin)| (twin.key(), *exact));
    let original = |message: &Fingerprint<&str>| {
        message.twins.iter().find_map(|twin| {
            let first = kept.partition_point(|(_, kept)| kept.key() < twin.key());
            let same_key = kept[first..].iter().take_while(|(_, kept)| kept.key() == twin.key());
            same_key.filter(|(_, kept)| kept.is_copy(twin)).map(|(exact, _)| *exact).next()
        })
    };
    prompt.iter().map(|message| original(message).unwrap_or(message.exact)).collect()
}

fn fingerprints(messages: &[Message], position: u64) -> Vec<Fingerprint<&str>> {
    messages.iter().enumerate().map(|(index, message)| Fingerprint::new(message, position, index)).collect()
}

/// How many messages at a prompt's start are instructions, which are sent again even if the provider keeps the rest.
fn instructions(prompt: &[Message]) -> usize {
    prompt.iter().take_while(|message| matches!(message.role.as_str(), "system" | "developer")).count()
}
