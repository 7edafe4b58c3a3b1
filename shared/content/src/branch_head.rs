//! Where one conversation of a session stands, and how far a prompt agrees with it.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;

use super::Content;
use super::content::ExchangeIds;
use super::fingerprint::{Fingerprint, TELLING, Twin, hash_of};
use super::instructions::{self, is_instruction};
use super::message::Message;

/// A prompt while it is compared: what was said in it, and apart from that its instructions.
pub struct Prompt<'a> {
    /// Of the request.
    position: u64,
    /// The identity of its leading instructions; see [`instructions::agent`].
    pub agent: u64,
    /// How many instructions stand before anything else.
    pub leading: usize,
    /// The places and the identities of its instructions.
    pub instructions: Vec<(usize, u64)>,
    /// The places of what was said.
    pub places: Vec<usize>,
    /// What was said.
    pub said: Vec<Fingerprint<&'a str>>,
}

impl<'a> Prompt<'a> {
    /// The prompt of the request at `position`.
    pub fn new(messages: &'a [Message], position: u64) -> Self {
        let leading = messages.iter().take_while(|message| is_instruction(message)).count();
        let agent = instructions::agent(messages[..leading].iter());
        let mut prompt =
            Self { position, agent, leading, instructions: Vec::new(), places: Vec::new(), said: Vec::new() };
        for (place, message) in messages.iter().enumerate() {
            let fingerprint = Fingerprint::new(message, position, place);
            if is_instruction(message) {
                prompt.instructions.push((place, fingerprint.exact));
            } else {
                prompt.places.push(place);
                prompt.said.push(fingerprint);
            }
        }
        prompt
    }
}

/// The last request of a conversation.
#[derive(Debug)]
pub struct BranchHead {
    pub position: u64,
    pub agent: u64,
    /// The identities of the instructions of its prompt.
    pub instructions: Vec<u64>,
    exchange: Exchange,
    /// The rest of its prompt; `None` if the provider keeps the conversation, so that no prompt can continue it.
    pub prompt: Option<Context>,
    /// The responses that may be continued: one per choice; one without messages if there was no response.
    pub responses: Vec<Context>,
    /// Whether its prompt holds something that the model said, which is how a conversation looks that has gone on.
    pub went_on: bool,
}

/// What two rows of one exchange have in common.
#[derive(Debug)]
struct Exchange {
    content: u64,
    call: Option<u64>,
    response: Option<u64>,
}

impl BranchHead {
    /// The state after a request whose prompt repeats its conversation.
    pub fn repeated(position: u64, prompt: &Prompt, content: &Content) -> Self {
        Self {
            prompt: Some(prompt.said.iter().map(Fingerprint::of_prompt).collect()),
            responses: responses(position, &content.response),
            ..Self::kept(position, prompt, content)
        }
    }

    /// The state after a request whose conversation the provider keeps.
    pub fn kept(position: u64, prompt: &Prompt, content: &Content) -> Self {
        Self {
            position,
            agent: prompt.agent,
            instructions: prompt.instructions.iter().map(|(_, exact)| *exact).collect(),
            exchange: Exchange {
                content: exchange_hash(prompt, &content.response),
                call: content.exchange.call.as_ref().map(hash_of),
                response: content.exchange.response.as_ref().map(hash_of),
            },
            prompt: None,
            responses: Vec::new(),
            went_on: prompt.said.iter().any(|message| message.of_model),
        }
    }

    /// How many messages the head holds.
    pub fn len(&self) -> usize {
        let said = self.prompt.iter().chain(&self.responses).map(|context| context.messages.len());
        self.instructions.len() + said.sum::<usize>()
    }

    /// Whether the request had no response.
    pub fn is_unanswered(&self) -> bool {
        self.responses.iter().all(|response| response.messages.is_empty())
    }

    /// Whether a request said exactly this.
    pub fn is_prompt(&self, prompt: &Prompt) -> bool {
        self.prompt.as_ref().is_some_and(|own| {
            own.messages.len() == prompt.said.len() && own.agreement(&prompt.said).messages == prompt.said.len()
        })
    }

    /// Whether a request with these ids may be this one.
    pub fn shares_id(&self, ids: &ExchangeIds) -> bool {
        let same = |own: Option<u64>, other: &Option<String>| own.is_some() && own == other.as_ref().map(hash_of);
        let Exchange { call, response, .. } = self.exchange;
        // Two calls may be given the same response, but not with two ids that the proxy made for them.
        if call.is_some() && ids.call.is_some() { same(call, &ids.call) } else { same(response, &ids.response) }
    }

    /// Whether a request with the same prompt and the same response is this one.
    pub fn is_exchange(&self, prompt: &Prompt, response: &[Message]) -> bool {
        self.exchange.content == exchange_hash(prompt, response)
    }

    /// How far a prompt agrees with the conversation from the start.
    pub fn agreement(&self, prompt: &[Fingerprint<&str>]) -> Agreement {
        let Some(own) = &self.prompt else {
            return Agreement::default();
        };
        let start = own.agreement(prompt);
        if !start.whole {
            return start;
        }
        let responses = self.responses.iter().map(|response| start.then(response, prompt));
        responses.max_by_key(|agreement| (agreement.by_ids(), agreement.messages, agreement.whole)).unwrap_or(start)
    }
}

fn exchange_hash(prompt: &Prompt, response: &[Message]) -> u64 {
    let response: Vec<u64> = fingerprints(response, prompt.position).map(|message| message.exact).collect();
    let said: Vec<u64> = prompt.said.iter().map(|message| message.exact).collect();
    hash_of((&prompt.instructions, said, response))
}

fn fingerprints(messages: &[Message], position: u64) -> impl Iterator<Item = Fingerprint<&str>> {
    messages.iter().enumerate().map(move |(index, message)| Fingerprint::new(message, position, index))
}

fn responses(position: u64, response: &[Message]) -> Vec<Context> {
    let mut choices: Vec<Option<u64>> = response.iter().map(|message| message.choice).collect();
    choices.sort_unstable();
    choices.dedup();
    let of_choice = |choice: Option<u64>| {
        let messages = response.iter().zip(fingerprints(response, position ^ u64::MAX));
        messages.filter(|(message, _)| message.choice == choice).map(|(_, own)| own.of_response()).collect()
    };
    if choices.is_empty() { vec![Context::default()] } else { choices.into_iter().map(of_choice).collect() }
}

/// How far a prompt and a conversation agree from the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreement {
    /// How many messages are the same.
    pub messages: usize,
    /// The prompt has the whole of the conversation.
    pub whole: bool,
    /// How many messages are the same before the first one with other ids.
    certain: usize,
    /// Whether any ids among these are the same.
    ids: bool,
}

impl Agreement {
    /// How many messages are known to be the same by ids among them; 0 if there are none.
    pub fn by_ids(self) -> usize {
        if self.ids { self.certain } else { 0 }
    }

    /// Whether the prompt has the whole of the conversation, with the same ids wherever there are any.
    pub fn is_certain(self) -> bool {
        self.whole && self.certain == self.messages
    }

    /// Whether the messages that agree are more than a word which may as well begin another conversation.
    pub fn is_telling(self, prompt: &[Fingerprint<&str>]) -> bool {
        self.ids || prompt[..self.messages].iter().any(|message| message.of_model || message.weight >= TELLING)
    }

    /// Goes on with what follows in the conversation.
    fn then(mut self, next: &Context, prompt: &[Fingerprint<&str>]) -> Self {
        let is_certain = self.certain == self.messages;
        let rest = &prompt[self.messages..];
        let more = next.agreement(rest);
        self.messages += more.messages;
        self.whole = more.whole;
        if is_certain {
            self.certain += more.certain;
            self.ids |= more.ids;
        }
        self
    }
}

/// The messages of a prompt or a response, as their fingerprints.
#[derive(Debug, Default)]
pub struct Context {
    pub messages: Vec<Known>,
    /// What recognises shortened copies, by the message's index; few messages have it.
    pub twins: HashMap<usize, Vec<Twin<Box<str>>>>,
}

/// A message that was shown.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub exact: u64,
    pub ids: Option<NonZeroU64>,
}

impl Known {
    /// Whether both messages have ids, and the same.
    pub fn has_ids_of(&self, other: &Fingerprint<&str>) -> bool {
        self.ids.is_some() && self.ids == other.ids
    }
}

impl FromIterator<Fingerprint<Box<str>>> for Context {
    fn from_iter<I: IntoIterator<Item = Fingerprint<Box<str>>>>(fingerprints: I) -> Self {
        let mut context = Self::default();
        for (index, Fingerprint { exact, ids, twins, .. }) in fingerprints.into_iter().enumerate() {
            context.messages.push(Known { exact, ids });
            if !twins.is_empty() {
                context.twins.insert(index, twins);
            }
        }
        context
    }
}

impl Context {
    fn is(&self, index: usize, message: &Fingerprint<&str>) -> bool {
        let kept = || self.twins.get(&index).into_iter().flatten();
        self.messages[index].exact == message.exact
            || kept().any(|twin| message.twins.iter().any(|other| twin.is_copy_in_place(other)))
    }

    fn agreement(&self, prompt: &[Fingerprint<&str>]) -> Agreement {
        let mut agreement = Agreement::default();
        for (index, (own, message)) in self.messages.iter().zip(prompt).enumerate() {
            if !self.is(index, message) {
                break;
            }
            let differ = own.ids.is_some() && message.ids.is_some() && own.ids != message.ids;
            if !differ && agreement.certain == agreement.messages {
                agreement.certain += 1;
                agreement.ids |= own.has_ids_of(message);
            }
            agreement.messages += 1;
        }
        agreement.whole = agreement.messages == self.messages.len();
        agreement
    }

    /// Whether the last message may be one of a prompt, going by what [`Present`] tells of it.
    pub fn may_end_in(&self, present: &Present) -> bool {
        let Some(last) = self.messages.last() else {
            return false;
        };
        let twins = self.twins.get(&(self.messages.len() - 1));
        present.exact.contains(&last.exact)
            || twins.is_some_and(|twins| present.any_cut || twins.iter().any(Twin::is_cut))
    }
}

/// What messages a prompt has, to find quickly which conversations it cannot have any end of.
pub struct Present {
    exact: HashSet<u64>,
    any_cut: bool,
}

impl Present {
    pub fn new(prompt: &[Fingerprint<&str>]) -> Self {
        Self {
            exact: prompt.iter().map(|message| message.exact).collect(),
            any_cut: prompt.iter().any(|message| message.twins.iter().any(Twin::is_cut)),
        }
    }
}
