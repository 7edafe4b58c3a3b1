//! Made-up sessions of several agents, as LiteLLM stores them, of which each message must be shown once.
//!
//! A [`Session`] is what really happened: messages with an identity each, said in threads. What "once" means:
//!
//! - A message is shown by the first request whose prompt or response has it, in its place, and by no other. It is the same
//!   message in every thread that grew out of the one that it was said in: after a fork, an edit of a later message, another
//!   try, a compaction that kept it, or as part of a window.
//! - An edited message is another one, and so is what is said after it. What was said before it is not.
//! - A summary is a message of its own; what it sums up was said before, and is not lost.
//! - A response is shown with its request, always. Another try of a request has a response of its own.
//! - The system prompt is shown if no thread has it as it is; a nonce in a billing header does not count, a time does.
//! - What a compaction keeps is known if it says at least 24 characters or has ids of tool calls, and a window if it has two
//!   messages and begins like nothing else; less may have been said anew.
//!
//! Texts come from a few words, so that the same is said again and again by different messages. But the same words under
//! the same instructions are another try of a first request, and so is the same sentence under others: threads do not begin
//! so.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Content, Conversation};
use super::{failed_of, lines, read};

/// Most threads of subagents beside the main one.
const SUBAGENTS: usize = 10;

/// An API, with its own shape for each message.
#[derive(Debug, Clone, Copy)]
enum Api {
    Chat,
    Anthropic,
    Responses,
}

/// What becomes of the ids of tool calls between the log and the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallIds {
    /// The client sends back what was logged.
    Kept,
    /// What was logged was made up; the client has others.
    Minted,
    /// Short numbers, which are used again and again.
    Counted,
}

/// How an agent's system prompt changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    None,
    Fixed,
    Clock,
    Nonce,
}

#[derive(Debug, Clone, PartialEq)]
enum Said {
    User(String),
    Assistant(String),
    /// A tool called by the assistant, beside some text.
    Calls(String, &'static str, usize),
    Result(&'static str, usize),
}

/// A message, with its identity.
#[derive(Debug, Clone)]
struct Message {
    id: usize,
    said: Said,
}

#[derive(Debug, Clone)]
struct Thread {
    agent: usize,
    instructions: Instructions,
    history: Vec<Message>,
    /// Where the part of the history begins that later requests may go back to.
    floor: usize,
}

/// One step of a session, in numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
struct Step {
    thread: usize,
    action: usize,
    word: usize,
    answer: usize,
    place: usize,
    fails: bool,
}

/// A request: as it is stored, and what it must show.
struct Request {
    content: Content,
    expected: Vec<String>,
}

const USER: &[&str] =
    &["yes", "continue", "OK.", "go on", "2+2?", "Thanks!", "Please go on with the next step of the plan."];
/// How what is said once only begins.
const OWN: &str = "Who is";
/// How many of the others a subagent may begin with.
const FIRST: usize = 6;
const ASSISTANT: &[&str] = &["OK.", "yes", "4", "Hello!", "The next step of the plan is done. Shall I go on?", "Done."];
const TOOLS: &[(&str, &str)] = &[("ls", "{}"), ("read", r#"{"path": "a.py", "lines": 3}"#), ("check", r#"{"n": 1.0}"#)];
const RESULTS: &[&str] = &["ok", "a.py\nb.py", "pending", ""];

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (prompt, response) = (lines(&self.content.prompt), lines(&self.content.response));
        write!(f, "{prompt:?} -> {response:?}, adds {:?}", self.expected)
    }
}

struct Session {
    api: Api,
    ids: CallIds,
    threads: Vec<Thread>,
    shown: HashSet<usize>,
    shown_instructions: HashSet<String>,
    next: usize,
    requests: Vec<Request>,
}

impl Session {
    fn new(api: Api, ids: CallIds, main: Instructions) -> Self {
        let mut session = Self {
            api,
            ids,
            threads: Vec::new(),
            shown: HashSet::new(),
            shown_instructions: HashSet::new(),
            next: 0,
            requests: Vec::new(),
        };
        session.thread(main);
        session
    }

    fn thread(&mut self, instructions: Instructions) -> usize {
        let agent = self.threads.iter().map(|thread| thread.agent + 1).max().unwrap_or(0);
        self.threads.push(Thread { agent, instructions, history: Vec::new(), floor: 0 });
        self.threads.len() - 1
    }

    fn say(&mut self, thread: usize, said: Said) {
        let message = Message { id: self.next, said };
        self.next += 1;
        self.threads[thread].history.push(message);
    }

    fn step(&mut self, step: &Step) {
        let mut at = step.thread % self.threads.len();
        match step.action {
            // A subagent begins, with words that others began with.
            0 | 1 if self.threads.len() <= SUBAGENTS => {
                let kinds = [Instructions::Fixed, Instructions::Clock, Instructions::Nonce];
                at = self.thread(kinds[step.place % kinds.len()]);
            }
            // Another thread forks off: an edit of an earlier message, whose old thread may go on.
            2 | 3 => at = self.fork(at, step.place),
            4 => self.compact(at, step.place),
            5 => self.window(at, step.place),
            // Another try: nothing new is said.
            6 => return self.retry(at, step),
            _ => {}
        }
        self.turn(at, step);
    }

    /// The client's next turn, and the request that it makes.
    fn turn(&mut self, at: usize, step: &Step) {
        let calls = self.threads[at].history.last().map(|last| last.said.clone());
        if let Some(Said::Calls(_, _, call)) = calls {
            self.say(at, Said::Result(RESULTS[step.word % RESULTS.len()], call));
        } else if self.threads[at].history.is_empty() && self.threads[at].instructions == Instructions::None {
            // Without instructions nothing tells who says it.
            self.say(at, Said::User(format!("Begin with task number {}.", self.next)));
        } else if self.threads[at].history.is_empty() {
            self.say(at, Said::User(USER[step.word % FIRST].to_owned()));
        } else {
            let own = format!("{OWN} {}?", self.next);
            let word = USER.get(step.word % (USER.len() + 2)).map_or(own, |word| (*word).to_owned());
            self.say(at, Said::User(word));
        }
        self.request(at, step);
    }

    fn answer(&self, step: &Step) -> Said {
        let index = step.answer % (ASSISTANT.len() + TOOLS.len() * 2);
        match index.checked_sub(ASSISTANT.len()) {
            None => Said::Assistant(ASSISTANT[index].to_owned()),
            Some(tool) if tool < TOOLS.len() => Said::Calls(String::new(), TOOLS[tool].0, self.next),
            Some(tool) => Said::Calls("I look.".to_owned(), TOOLS[tool - TOOLS.len()].0, self.next),
        }
    }

    fn request(&mut self, at: usize, step: &Step) {
        let number = self.requests.len();
        let mut expected = Vec::new();
        let instructions = Self::instructions(&self.threads[at], number);
        if let Some((lasting, line)) = instructions.as_ref().map(|text| (lasting(text), format!("system: {text}")))
            && self.shown_instructions.insert(lasting)
        {
            expected.push(line);
        }
        let prompt = self.threads[at].history.clone();
        for message in &prompt {
            if self.shown.insert(message.id) {
                expected.push(line(&message.said));
            }
        }
        let body = self.body(&prompt, instructions.as_deref());
        let call_type = match self.api {
            Api::Chat => "acompletion",
            Api::Anthropic => "anthropic_messages",
            Api::Responses => "aresponses",
        };
        let content = if step.fails {
            failed_of(call_type, &body)
        } else {
            let said = self.answer(step);
            expected.push(line(&said));
            self.shown.insert(self.next);
            self.say(at, said.clone());
            read(call_type, &body, &self.response(&said))
        };
        self.requests.push(Request { content, expected });
    }

    /// Leaves a thread at an earlier message of the user's, which is said in other words.
    fn fork(&mut self, at: usize, place: usize) -> usize {
        let mut thread = self.threads[at].clone();
        let places: Vec<usize> = (thread.floor.max(1)..thread.history.len())
            .filter(|index| matches!(thread.history[*index].said, Said::User(_)))
            .collect();
        if places.is_empty() || self.threads.len() > 2 * SUBAGENTS {
            return at;
        }
        thread.history.truncate(places[place % places.len()]);
        thread.floor = thread.history.len();
        self.threads.push(thread);
        let new = self.threads.len() - 1;
        self.say(new, Said::User(format!("Edit {}", self.next)));
        new
    }

    /// Replaces all but the last messages by a summary.
    fn compact(&mut self, at: usize, keep: usize) {
        let history = &self.threads[at].history;
        if !self.is_complete(at) {
            return;
        }
        let kept = history[history.len() - keep % history.len()..].to_vec();
        let kept = if self.is_telling(&kept) { kept } else { Vec::new() };
        self.threads[at].history.clear();
        self.say(at, Said::User(format!("Summary {}", self.next)));
        self.threads[at].history.extend(kept);
        self.threads[at].floor = self.threads[at].history.len();
    }

    /// Leaves out all but the last messages, from one of the user's on.
    fn window(&mut self, at: usize, keep: usize) {
        let history = &self.threads[at].history;
        let first = history.len() - keep % (history.len() + 1);
        let is_own = |said: &Said| matches!(said, Said::User(text) if text.starts_with(OWN));
        let starts_well = history.get(first).is_some_and(|message| is_own(&message.said));
        if self.is_complete(at) && starts_well && history.len() - first >= 2 {
            let thread = &mut self.threads[at];
            thread.history.drain(..first);
            thread.floor = thread.history.len();
        }
    }

    /// Whether the thread's last request was answered, by text.
    fn is_complete(&self, at: usize) -> bool {
        matches!(self.threads[at].history.last().map(|last| &last.said), Some(Said::Assistant(_)))
    }

    fn is_telling(&self, kept: &[Message]) -> bool {
        let said = |message: &Message| match &message.said {
            Said::User(text) | Said::Assistant(text) => text.len(),
            Said::Calls(text, name, _) => text.len() + name.len(),
            Said::Result(text, _) => text.len(),
        };
        let ids = self.ids == CallIds::Kept && kept.iter().any(|message| matches!(message.said, Said::Result(..)));
        ids || kept.iter().map(said).sum::<usize>() >= 24
    }

    /// Asks again what was answered or has failed; the thread goes on from the new answer.
    fn retry(&mut self, at: usize, step: &Step) {
        let thread = &mut self.threads[at];
        match thread.history.last().map(|last| &last.said) {
            None => return self.turn(at, step),
            Some(Said::Assistant(_) | Said::Calls(..)) => drop(thread.history.pop()),
            Some(Said::User(_) | Said::Result(..)) => {}
        }
        self.request(at, step);
    }

    fn instructions(thread: &Thread, number: usize) -> Option<String> {
        let name = format!("You are agent {}.", thread.agent);
        match thread.instructions {
            Instructions::None => None,
            Instructions::Fixed => Some(name),
            Instructions::Clock => Some(format!("{name} It is {:02}:{:02}.", 10 + number / 60, number % 60)),
            Instructions::Nonce => {
                Some(format!("x-anthropic-billing-header: cc_version=2.1.177; cch={:05x};\n{name}", number * 7919))
            }
        }
    }

    /// The id of a call as the client sends it back.
    fn client_id(&self, call: usize) -> String {
        if self.ids == CallIds::Counted { format!("{}", call % 2) } else { format!("call_{call:020}") }
    }

    /// The id of a call as it is logged with the response.
    fn logged_id(&self, call: usize) -> String {
        if self.ids == CallIds::Minted { format!("call_minted_{call:020}") } else { self.client_id(call) }
    }

    fn body(&self, prompt: &[Message], instructions: Option<&str>) -> Value {
        let mut messages: Vec<Value> = prompt.iter().flat_map(|message| self.stored(&message.said)).collect();
        match self.api {
            Api::Chat => {
                if let Some(text) = instructions {
                    messages.insert(0, json!({"role": "system", "content": text}));
                }
                json!({"model": "m", "messages": messages, "temperature": 0})
            }
            Api::Anthropic => {
                let system = instructions
                    .map(|text| text.split('\n').map(|text| json!({"type": "text", "text": text})).collect::<Vec<_>>());
                json!({"model": "m", "system": system, "messages": messages, "max_tokens": 100})
            }
            Api::Responses => json!({"model": "m", "instructions": instructions, "input": messages, "store": false}),
        }
    }

    fn stored(&self, said: &Said) -> Vec<Value> {
        let arguments = |name: &str| TOOLS.iter().find(|tool| tool.0 == name).map_or("", |tool| tool.1);
        let input = |name: &str| serde_json::from_str::<Value>(&arguments(name).replace("1.0", "1")).expect("JSON");
        match (self.api, said) {
            (Api::Anthropic, Said::User(text)) => {
                let cache = json!({"type": "ephemeral"});
                vec![json!({"role": "user", "content": [{"type": "text", "text": text, "cache_control": cache}]})]
            }
            (_, Said::User(text)) => vec![json!({"role": "user", "content": text})],
            (Api::Chat, Said::Assistant(text)) => vec![json!({"role": "assistant", "content": text})],
            (Api::Anthropic, Said::Assistant(text)) => {
                vec![json!({"role": "assistant", "content": [{"type": "text", "text": text}]})]
            }
            (Api::Responses, Said::Assistant(text)) => vec![output_text(text)],
            (Api::Chat, Said::Calls(text, name, call)) => {
                let id = self.client_id(*call);
                vec![json!({"role": "assistant", "content": text, "tool_calls": [
                    {"id": id, "type": "function", "function": {"name": name, "arguments": arguments(name)}}]})]
            }
            (Api::Anthropic, Said::Calls(text, name, call)) => {
                let mut blocks =
                    vec![json!({"type": "tool_use", "id": self.client_id(*call), "name": name, "input": input(name)})];
                if !text.is_empty() {
                    blocks.insert(0, json!({"type": "text", "text": text}));
                }
                vec![json!({"role": "assistant", "content": blocks})]
            }
            (Api::Responses, Said::Calls(text, name, call)) => {
                let id = self.client_id(*call);
                let call = json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments(name)});
                if text.is_empty() { vec![call] } else { vec![output_text(text), call] }
            }
            (Api::Chat, Said::Result(text, call)) => {
                vec![json!({"role": "tool", "tool_call_id": self.client_id(*call), "content": text})]
            }
            (Api::Anthropic, Said::Result(text, call)) => {
                let id = self.client_id(*call);
                vec![json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text}]})]
            }
            (Api::Responses, Said::Result(text, call)) => {
                vec![json!({"type": "function_call_output", "call_id": self.client_id(*call), "output": text})]
            }
        }
    }

    /// The response as LiteLLM logs it: of Anthropic's API in the shape of a chat completion.
    fn response(&self, said: &Said) -> Value {
        let (text, call) = match said {
            Said::Calls(text, name, call) => {
                let arguments = TOOLS.iter().find(|tool| tool.0 == *name).map_or("", |tool| tool.1);
                (text.as_str(), Some((name, arguments, self.logged_id(*call))))
            }
            Said::Assistant(text) | Said::User(text) => (text.as_str(), None),
            Said::Result(text, _) => (*text, None),
        };
        if matches!(self.api, Api::Responses) {
            let call = call.map(|(name, arguments, id)| {
                json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
            });
            let text = (!text.is_empty()).then(|| output_text(text));
            return json!({"object": "response", "output": text.into_iter().chain(call).collect::<Vec<_>>()});
        }
        let calls = call.map(|(name, arguments, id)| {
            json!([{"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}])
        });
        let content = (!text.is_empty()).then_some(text);
        let message = json!({"role": "assistant", "content": content, "tool_calls": calls});
        json!({"object": "chat.completion", "choices": [{"index": 0, "message": message}]})
    }
}

fn output_text(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

/// A system prompt without the header that has a nonce.
fn lasting(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("x-anthropic-billing-header")).collect()
}

/// A message as [`lines`] writes it, whatever its API writes for no text.
fn line(said: &Said) -> String {
    let written = match said {
        Said::User(text) => format!("user: {text}"),
        Said::Assistant(text) => format!("assistant: {text}"),
        Said::Calls(text, name, _) => format!("assistant: {text} {name}()"),
        Said::Result(text, _) => format!("tool: {text}"),
    };
    plain(&written)
}

/// A line without the arguments of its calls, and without the sign for no text.
fn plain(line: &str) -> String {
    let line = line.replace(": -", ": ");
    let line = line.find('(').map_or(line.as_str(), |at| &line[..at]).to_owned();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn session() -> impl Strategy<Value = Vec<Request>> {
    let kinds = [Instructions::None, Instructions::Fixed, Instructions::Clock, Instructions::Nonce];
    let step = (any::<usize>(), 0..16_usize, any::<usize>(), any::<usize>(), any::<usize>(), prop::bool::weighted(0.1));
    let step = step.prop_map(|(thread, action, word, answer, place, fails)| Step {
        thread,
        action,
        word,
        answer,
        place,
        fails,
    });
    (
        prop::sample::select(&[Api::Chat, Api::Anthropic, Api::Responses][..]),
        prop::sample::select(&[CallIds::Kept, CallIds::Minted, CallIds::Counted][..]),
        prop::sample::select(kinds.to_vec()),
        prop::collection::vec(step, 1..40),
    )
        .prop_map(|(api, ids, main, steps)| {
            let mut session = Session::new(api, ids, main);
            for step in &steps {
                session.step(step);
            }
            session.requests
        })
}

/// How many sessions are made up; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

/// What each request shows, with the conversation taken up anew before the request at `resumed`, as by the next page.
/// None if there were more conversations than are followed.
fn shown(requests: &[Request], resumed: usize) -> Option<Vec<Vec<String>>> {
    let mut conversation = Conversation::new();
    let mut all = Vec::new();
    for (position, Request { content, .. }) in requests.iter().enumerate() {
        if position == resumed {
            let heads = conversation.heads();
            conversation = Conversation::new();
            for head in heads {
                conversation.restore(head, &requests[usize::try_from(head).expect("an index")].content);
            }
        }
        assert!(!conversation.repeats(content));
        let new = conversation.add(position as u64, content);
        let prompt = lines(&content.prompt).into_iter().zip(new).filter(|(_, new)| *new).map(|(line, _)| line);
        all.push(prompt.chain(lines(&content.response)).map(|line| plain(&line)).collect());
        if conversation.heads().len() >= 32 {
            return None;
        }
    }
    Some(all)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn every_message_of_any_session_is_shown_once(requests in session(), resumed: prop::sample::Index) {
        let shown = shown(&requests, resumed.index(requests.len()));
        // What is given up beyond the bound is shown again.
        let shown = shown.unwrap_or_default();
        for (position, (request, shown)) in requests.iter().zip(shown).enumerate() {
            let expected: Vec<String> = request.expected.iter().map(|line| plain(line)).collect();
            prop_assert_eq!(shown, expected, "request {}", position);
        }
    }
}
