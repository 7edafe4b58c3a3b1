//! Finding a conversation in a prompt whose history was changed: a message was edited, the older ones were summed up or
//! left out.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::branch_head::{BranchHead, Context, Known};
use super::fingerprint::{Fingerprint, TELLING, Twin};

/// How often what a conversation ended with is looked for in a prompt.
const MOST_ENDS: usize = 8;
/// The largest histories that are compared message by message; of larger ones only beginning and end are.
const LARGEST_DIFF: usize = 20_000;
/// How many messages make a window of a conversation, unless they are telling: one of the user's and its answer.
const WINDOW: usize = 2;

/// Whether a prompt and a conversation have the same instructions, but for times and ids in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    Same,
    Other,
}

/// What is known of a conversation and a prompt before they are aligned.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub agent: Agent,
    /// How many messages of the prompt they have in common from the start.
    pub common: usize,
    /// How many messages of the prompt are known in any case: another conversation has them from the start.
    pub explained: usize,
}

/// The messages of the prompt that are known, if it continues the conversation from a history that was changed.
///
/// It does so if the prompt has what the conversation ended with, and that is more than a word that may as well have been
/// said in another one. If there was no response, it ended with its prompt.
pub fn continued(head: &BranchHead, prompt: &[Fingerprint<&str>], start: Start) -> Option<Vec<bool>> {
    let earlier = head.prompt.as_ref()?;
    let found = head.responses.iter().filter_map(|response| Alignment::new(earlier, response, prompt, start).find());
    found.max_by_key(|known| known.iter().filter(|known| **known).count())
}

struct Alignment<'a> {
    old: Vec<Known>,
    answered: bool,
    /// The prompt's messages by their identities, those that are copies of earlier ones under the earlier ones'.
    new: Vec<u64>,
    prompt: &'a [Fingerprint<&'a str>],
    start: usize,
    explained: usize,
    agent: Agent,
}

impl<'a> Alignment<'a> {
    fn new(earlier: &Context, response: &Context, prompt: &'a [Fingerprint<&'a str>], start: Start) -> Self {
        Self {
            old: earlier.messages.iter().chain(&response.messages).copied().collect(),
            answered: !response.messages.is_empty(),
            new: with_copies(earlier, response, prompt),
            prompt,
            start: start.common,
            explained: start.explained,
            agent: start.agent,
        }
    }

    fn find(&self) -> Option<Vec<bool>> {
        let last = self.old.last()?.exact;
        let ends = (self.start..self.new.len()).rev().filter(|index| self.new[*index] == last).map(|index| index + 1);
        // The same word may have been said again; where more of what led to it is the same, it is the one.
        let (run, end) = ends.take(MOST_ENDS).map(|end| (self.run_before(end), end)).max()?;
        let run = end - run..end;
        if !self.is_end(run.clone()) {
            return None;
        }
        let mut known: Vec<bool> =
            (0..self.new.len()).map(|index| index < self.start || run.contains(&index)).collect();
        for same in self.same_before(run) {
            known[same].fill(true);
        }
        Some(known)
    }

    /// How many messages before `end` are those that the conversation ended with.
    fn run_before(&self, end: usize) -> usize {
        let pairs = self.new[self.start..end].iter().rev().zip(self.old[self.start.min(self.old.len())..].iter().rev());
        pairs.take_while(|(new, old)| **new == old.exact).count()
    }

    /// Whether the conversation can be told by what the prompt has of its end.
    fn is_end(&self, run: Range<usize>) -> bool {
        let more = run.start.max(self.explained).min(run.end)..run.end;
        if !self.answered && !self.prompt[more].iter().any(|message| message.of_model) {
            // What was said to no avail may have been said anew, in another context.
            return false;
        }
        // A prompt that goes on with the last messages right away is a window of its agent's conversation.
        let is_window = run.start == self.start && run.len() >= WINDOW && self.agent == Agent::Same;
        is_window || self.is_telling(run.clone(), self.old.len() - run.len())
    }

    /// Whether messages of the prompt, which are the same as those of the conversation from `old` on, say more than what is
    /// said twice by chance.
    fn is_telling(&self, new: Range<usize>, old: usize) -> bool {
        let messages = &self.prompt[new.clone()];
        messages.iter().map(|message| message.weight).sum::<usize>() >= TELLING
            || self.old[old..old + new.len()].iter().zip(messages).any(|(known, message)| known.has_ids_of(message))
    }

    /// What is the same between where both agree from the start and the end that was found.
    fn same_before(&self, run: Range<usize>) -> Vec<Range<usize>> {
        let last = self.old.len() - run.len();
        let first = self.start.min(last);
        let old: Vec<u64> = self.old[first..last].iter().map(|known| known.exact).collect();
        let new = &self.new[self.start..run.start];
        if old.len().max(new.len()) > LARGEST_DIFF {
            return Vec::new();
        }
        let same = capture_diff_slices(Algorithm::Myers, &old, new).into_iter().filter_map(|op| match op {
            DiffOp::Equal { old_index, new_index, len } => {
                let same = self.start + new_index..self.start + new_index + len;
                // A word that is the same between two that differ was said twice rather than repeated.
                self.is_telling(same.clone(), first + old_index).then_some(same)
            }
            _ => None,
        });
        same.collect()
    }
}

fn with_copies(earlier: &Context, response: &Context, prompt: &[Fingerprint<&str>]) -> Vec<u64> {
    let kept = [earlier, response].into_iter().flat_map(|context| {
        context.twins.iter().flat_map(|(index, twins)| twins.iter().map(|twin| (context.messages[*index].exact, twin)))
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
