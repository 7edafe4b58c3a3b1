//! Which messages of each request of a session are new.
//!
//! A chat API keeps nothing: each request repeats the conversation so far, and the session's log holds its beginning as
//! often as it has requests. A [`Conversation`] remembers where the conversations of a session stand (they may run
//! in parallel, fork, or be tried again), finds the one that a prompt continues, and tells what it adds.
//!
//! Which one that is, what was said tells alone. Instructions are shown when they are new or changed, and only where two
//! conversations began with the same word do they tell them apart.

use std::collections::HashMap;

use super::alignment::{self, Agent, Start};
use super::branch_head::{Agreement, BranchHead, Present, Prompt};
use super::message::Message;
use super::{Content, History};

/// How many conversations of a session are followed at a time. Of those that have gone on beyond their first answer at least
/// half as many are, so that an agent is known again after its subagents' requests: the conversations of up to 15 of them,
/// and any number of single requests in between.
const MOST_HEADS: usize = 32;
/// How many conversations that have not gone on beyond their first answer are kept rather than the oldest that has.
const MOST_BRIEF: usize = MOST_HEADS / 2;
/// How many messages all of them may hold together; the oldest are given up beyond it.
const MOST_MESSAGES: usize = 640_000;
/// How many conversations a prompt is compared with in full.
const MOST_COMPARED: usize = 16;
/// How long a text may be that is likelier to be said again than to be tried again, in characters: a word or two.
const A_WORD: usize = 12;

/// The state of a session's conversations, of bounded size.
#[derive(Debug, Default)]
pub struct Conversation {
    /// Where conversations stand, the oldest first.
    heads: Vec<BranchHead>,
}

/// What a request is in its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// For each message of its prompt whether it is new; its response always is.
    pub new: Vec<bool>,
    /// The position of the request whose conversation it goes on with; `None` for one that begins a conversation, or of which
    /// that is not known.
    pub parent: Option<u64>,
}

/// A conversation that a prompt may continue.
struct Candidate {
    agent: Agent,
    agreement: Agreement,
}

impl Candidate {
    /// Whether the prompt has all of it, in order: what else it has is said after it.
    fn goes_on(&self) -> bool {
        self.agent == Agent::Same && self.agreement.whole && self.agreement.messages > 0
    }
}

impl Conversation {
    /// A session without requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a request is another row of an exchange that was added: it has the same call id, or else the same response
    /// id, and says the same. Such a row shows nothing, and must not be added.
    #[must_use]
    pub fn repeats(&self, content: &Content) -> bool {
        let heads = || self.heads.iter().filter(|head| head.shares_id(&content.exchange));
        if content.response.is_empty() || heads().next().is_none() {
            return false;
        }
        let prompt = Prompt::new(&content.prompt, u64::MAX);
        heads().any(|head| head.is_exchange(&prompt, &content.response))
    }

    /// Adds the session's next request. Returns for each message of its prompt whether it is new; its response always
    /// is. `position` identifies the request for [`Self::restore`] and must be different for each.
    pub fn add(&mut self, position: u64, content: &Content) -> Vec<bool> {
        self.follow(position, content).new
    }

    /// As [`Self::add`], with the request that it follows on.
    pub fn follow(&mut self, position: u64, content: &Content) -> Added {
        let mut added = Added { new: vec![true; content.prompt.len()], parent: None };
        if content.history == History::None {
            return added;
        }
        let prompt = Prompt::new(&content.prompt, position);
        for (place, known) in self.known_instructions(&prompt) {
            added.new[place] = !known;
        }
        if content.history == History::Kept {
            // Behind the first messages, instructions are part of what the provider is told once.
            added.new[prompt.leading..].fill(true);
            self.heads.retain(|head| head.prompt.is_some() || head.agent != prompt.agent);
            self.push(BranchHead::kept(position, &prompt, content));
            return added;
        }
        if !self.is_said_again(&prompt, content) {
            let (known, parent) = self.known(&prompt);
            for (place, known) in prompt.places.iter().zip(known) {
                added.new[*place] = !known;
            }
            added.parent = parent;
        }
        self.push(BranchHead::repeated(position, &prompt, content));
        added
    }

    /// The positions of the requests that the state consists of, in order.
    #[must_use]
    pub fn heads(&self) -> Vec<u64> {
        self.heads.iter().map(|head| head.position).collect()
    }

    /// Rebuilds the state: called for each of the requests that [`Self::heads`] named, in that order, it makes a new
    /// conversation go on exactly as the one they were taken from.
    pub fn restore(&mut self, position: u64, content: &Content) {
        let prompt = Prompt::new(&content.prompt, position);
        match content.history {
            History::None => {}
            History::Kept => self.push(BranchHead::kept(position, &prompt, content)),
            History::Repeated | History::Turn => self.push(BranchHead::repeated(position, &prompt, content)),
        }
    }

    fn push(&mut self, head: BranchHead) {
        if head.len() == 0 {
            return;
        }
        self.heads.push(head);
        let mut total: usize = self.heads.iter().map(BranchHead::len).sum();
        while self.heads.len() > 1 && (self.heads.len() > MOST_HEADS || total > MOST_MESSAGES) {
            total -= self.heads.remove(self.least_needed()).len();
        }
    }

    /// The conversation to give up: the oldest of those that have not gone on, unless few are left.
    fn least_needed(&self) -> usize {
        let others = || self.heads[..self.heads.len() - 1].iter().enumerate();
        let mut brief = others().filter(|(_, head)| !head.went_on);
        let oldest_brief = brief.next().map(|(index, _)| index);
        let oldest_long = others().find(|(_, head)| head.went_on).map(|(index, _)| index);
        let many_brief = brief.count() + 1 >= MOST_BRIEF;
        let preferred = if many_brief { oldest_brief.or(oldest_long) } else { oldest_long.or(oldest_brief) };
        preferred.unwrap_or(0)
    }

    /// For each instruction whether it was shown: a conversation that is followed has it, as often as this prompt does up to
    /// there.
    fn known_instructions(&self, prompt: &Prompt) -> Vec<(usize, bool)> {
        let mut shown: HashMap<u64, usize> = HashMap::new();
        for head in &self.heads {
            for (exact, times) in counts(head.instructions.iter().copied()) {
                let most = shown.entry(exact).or_default();
                *most = times.max(*most);
            }
        }
        let mut times: HashMap<u64, usize> = HashMap::new();
        let known = prompt.instructions.iter().map(|(place, exact)| {
            let times = times.entry(*exact).or_default();
            *times += 1;
            (*place, shown.get(exact).is_some_and(|shown| shown >= times))
        });
        known.collect()
    }

    /// Whether a prompt of one message was said anew, though it is the same as an earlier one.
    ///
    /// Of such a prompt it cannot be known: a client may have tried it again, or it sends no history, or LiteLLM did not
    /// store it. A second try of a failure is one. What else LiteLLM stored as the latest turn was said anew, and so was a
    /// word alone, such as "continue".
    fn is_said_again(&self, prompt: &Prompt, content: &Content) -> bool {
        let is_turn =
            content.history == History::Turn || matches!(content.prompt.as_slice(), [only] if is_a_word(only));
        is_turn && !self.heads.last().is_some_and(|head| head.is_unanswered() && head.is_prompt(prompt))
    }

    /// Finds the conversation that a prompt continues, and gives up those that it replaces. Returns for each message that
    /// was said whether it is known, and the last request of that conversation.
    fn known(&mut self, prompt: &Prompt) -> (Vec<bool>, Option<u64>) {
        let candidates = self.candidates(prompt);
        let chosen = choose(&candidates);
        let agreement = chosen.map(|index| candidates[index].agreement).unwrap_or_default();
        // What is known from the start: of a continued conversation all of it, of a forked one what comes before the
        // fork.
        let mut known: Vec<bool> = (0..prompt.said.len()).map(|index| index < agreement.messages).collect();
        let mut edited = None;
        let goes_on = chosen.is_some_and(|index| candidates[index].goes_on());
        if !goes_on && agreement.messages < prompt.said.len() {
            let changed = self.changed(prompt, &candidates, agreement.messages);
            (known, edited) = changed.unwrap_or((known, None));
        }
        let whole = |index: &usize| candidates[*index].agreement.whole && candidates[*index].agreement.messages > 0;
        let parent = edited.or(chosen.filter(whole)).map(|index| self.heads[index].position);
        let mut index = 0;
        self.heads.retain(|head| {
            let Candidate { agent, agreement } = &candidates[index];
            let is_chosen = chosen == Some(index) && agreement.whole;
            let is_older = *agent == Agent::Same && agreement.is_certain();
            let replaced = head.prompt.is_some() && (is_chosen || is_older || edited == Some(index));
            index += 1;
            // Of several choices another one may still be continued.
            !replaced || head.responses.len() > 1
        });
        (known, parent)
    }

    fn candidates(&self, prompt: &Prompt) -> Vec<Candidate> {
        let candidate = |head: &BranchHead| {
            let agreement = head.agreement(&prompt.said);
            let agent = if head.agent == prompt.agent { Agent::Same } else { Agent::Other };
            // Two agents may begin with the same word; with the same sentence, it is one that was given other
            // instructions.
            let counts = agent == Agent::Same || agreement.is_telling(&prompt.said);
            Candidate { agent, agreement: if counts { agreement } else { Agreement::default() } }
        };
        self.heads.iter().map(candidate).collect()
    }

    /// A conversation that the prompt continues from a history that was edited, compacted, or moved along, if it has more
    /// of it than is `explained` by what agrees from the start: what is known then, and the conversation, if there is only one such.
    fn changed(
        &self,
        prompt: &Prompt,
        candidates: &[Candidate],
        explained: usize,
    ) -> Option<(Vec<bool>, Option<usize>)> {
        let present = Present::new(&prompt.said);
        let may_be = |index: &usize| {
            let head = &self.heads[*index];
            let response_may = head.responses.iter().any(|end| end.may_end_in(&present));
            let prompt_may = head.is_unanswered() && head.prompt.as_ref().is_some_and(|end| end.may_end_in(&present));
            !candidates[*index].agreement.whole && (response_may || prompt_may)
        };
        let mut indexes: Vec<usize> = (0..candidates.len()).rev().filter(may_be).collect();
        indexes.sort_by_key(|index| candidates[*index].agent != Agent::Same);
        let mut best = explained;
        let mut found = None;
        for index in indexes.into_iter().take(MOST_COMPARED) {
            let Candidate { agent, agreement } = candidates[index];
            // A word that both begin with says nothing of what follows it.
            let common = if agreement.is_telling(&prompt.said) { agreement.messages } else { 0 };
            let start = Start { agent, common, explained };
            let Some(known) = alignment::continued(&self.heads[index], &prompt.said, start) else {
                continue;
            };
            let matched = known.iter().filter(|known| **known).count();
            if matched > best {
                best = matched;
                found = Some((known, Some(index)));
            } else if let (true, Some((_, only))) = (matched == best, &mut found) {
                // It may be either of them, and the other one will go on.
                *only = None;
            }
        }
        found
    }
}

/// How often each value is there.
fn counts(values: impl Iterator<Item = u64>) -> HashMap<u64, usize> {
    let mut counts = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// The conversation that a prompt agrees with for longest.
fn choose(candidates: &[Candidate]) -> Option<usize> {
    // An agent's own conversation is it, rather than one of another agent that says more of the same words.
    let own = candidates.iter().any(Candidate::goes_on);
    let eligible = candidates.iter().enumerate().filter(|(_, candidate)| !own || candidate.agent == Agent::Same);
    let chosen = eligible.max_by_key(|(index, Candidate { agent, agreement })| {
        (agreement.by_ids(), agreement.messages, *agent == Agent::Same, *index)
    });
    chosen.map(|(index, _)| index)
}

/// Whether a message is a word of the user's.
fn is_a_word(message: &Message) -> bool {
    let text = message.text.as_deref().unwrap_or_default();
    message.role == "user" && message.parts.is_empty() && text.chars().take(A_WORD + 1).count() <= A_WORD
}
