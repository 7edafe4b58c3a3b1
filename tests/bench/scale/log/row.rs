//! One request as LiteLLM writes it.

use super::cast::{Agent, Cast, Key, MODELS, Model, Naming, TOPICS, uuid};
use super::draw::Draw;
use super::plan::Planned;

/// A request, with all that was drawn for it.
pub struct Request<'a> {
    /// When, and which of its session.
    pub planned: Planned,
    /// Its id.
    pub id: String,
    /// LiteLLM's own id of it.
    pub call_id: String,
    /// Its session.
    pub session: String,
    /// Whose key it was made with.
    pub key: &'a Key,
    /// Which agent made it, if any.
    pub agent: Option<&'a Agent>,
    /// What its agent calls the conversation.
    pub conversation: Option<String>,
    /// Whom the caller named; empty for nobody.
    pub end_user: String,
    /// The model.
    pub model: &'a Model,
    /// Its tags, without an agent's.
    pub tags: Vec<&'a str>,
    /// The tools that the response calls.
    pub tools: Vec<&'a str>,
    /// How it failed, if it did.
    pub failure: Option<&'static Failure>,
    /// Whether LiteLLM's cache answered.
    pub cached: bool,
    /// Tokens of the prompt, those among them that the provider had cached, and tokens of the response.
    pub tokens: [u32; 3],
    /// Milliseconds until the first token, where the response was streamed.
    pub first_token: Option<u32>,
    /// Milliseconds until the end.
    pub duration: u32,
}

/// A way to fail.
pub struct Failure {
    /// The class of LiteLLM's exception.
    pub class: &'static str,
    /// The status.
    pub code: u16,
    /// What it says.
    pub message: &'static str,
}

const fn failure(class: &'static str, code: u16, message: &'static str) -> Failure {
    Failure { class, code, message }
}

/// The first are the most frequent.
const FAILURES: [Failure; 6] = [
    failure("RateLimitError", 429, "litellm.RateLimitError: the provider's limit of requests per minute is reached"),
    failure("Timeout", 408, "litellm.Timeout: the provider did not answer within 600 seconds"),
    failure("InternalServerError", 500, "litellm.InternalServerError: the provider had an error"),
    failure("ContextWindowExceededError", 400, "litellm.ContextWindowExceededError: the prompt is too long"),
    failure("AuthenticationError", 401, "litellm.AuthenticationError: the provider refused the key"),
    failure("BudgetExceededError", 429, "ExceededBudget: over budget"),
];

impl Failure {
    /// The first are more frequent than the last.
    fn one(draw: &mut Draw) -> &'static Self {
        let last = 1 + draw.below(FAILURES.len() as u64);
        let index = draw.below(last);
        &FAILURES[usize::try_from(index).unwrap_or_default()]
    }
}

/// What all requests of a session have in common.
struct Session<'a> {
    id: String,
    keys: [&'a Key; 2],
    agents: Vec<&'a Agent>,
    topic: String,
    model: &'a Model,
    end_user: String,
}

impl<'a> Request<'a> {
    /// The one that was planned.
    pub fn new(cast: &'a Cast, planned: Planned) -> Self {
        let session = Session::new(cast, planned.session);
        let mut draw = Draw::of(5, u64::from(planned.session) << 32 | u64::from(planned.number));
        let call_id = uuid(draw.bits(), draw.bits());
        let failure = if draw.chance(0.02) { Some(Failure::one(&mut draw)) } else { None };
        let cached = failure.is_none() && draw.chance(0.05);
        let model = if draw.chance(0.15) { &MODELS[cast.model_ranks.one(&mut draw)] } else { session.model };
        let id = match (failure, cached) {
            (Some(_), _) => call_id.clone(),
            (None, true) => format!("chatcmpl-{:016x}_cache_hit{}", draw.bits(), planned.start),
            (None, false) => format!("chatcmpl-{:016x}{:08x}", draw.bits(), draw.bits() >> 32),
        };
        // Now and then two keys share a session, and several agents take turns.
        let key = session.keys[usize::from(draw.chance(0.3))];
        let agent = (!session.agents.is_empty()).then(|| *draw.one(&session.agents));
        let conversation = agent.filter(|agent| agent.naming == Naming::Metadata).map(|_| session.topic);
        let number_of_tags = draw.below(4);
        let mut tags: Vec<&str> = (0..number_of_tags).map(|_| &*cast.tags[cast.tag_ranks.one(&mut draw)]).collect();
        tags.sort_unstable();
        tags.dedup();
        let answers = failure.is_none() && model.output > 0;
        let mut tools = Vec::new();
        if answers && draw.chance(0.27) {
            tools.push(&*cast.tools[cast.tool_ranks.one(&mut draw)]);
            if draw.chance(0.15) {
                tools.push(&*cast.tools[cast.tool_ranks.one(&mut draw)]);
                tools.dedup();
            }
        }
        let tokens = tokens(&mut draw, planned.number, answers, failure.is_some());
        let duration =
            if cached { draw.about(12.0, 0.5, 2, 200) } else { draw.about(1_300.0 * model.pace, 0.7, 5, 110_000) };
        let streamed = answers && !cached && draw.chance(0.46);
        let first_token = streamed.then(|| draw.about(f64::from(duration) * 0.3, 0.3, 1, duration - 2));
        Self {
            planned,
            id,
            call_id,
            session: session.id,
            key,
            agent,
            conversation,
            end_user: session.end_user,
            model,
            tags,
            tools,
            failure,
            cached,
            tokens,
            first_token,
            duration,
        }
    }

    /// What it cost, in billionths of a dollar: of its prompt and of its response. A cached prompt costs a tenth.
    pub fn costs(&self) -> [u64; 2] {
        let [prompt, cached, completion] = self.tokens.map(u64::from);
        if self.cached {
            return [0, 0];
        }
        [(prompt - cached) * self.model.input + cached * self.model.input / 10, completion * self.model.output]
    }
}

/// The id of the session with this number.
pub fn session_id(cast: &Cast, number: u32) -> String {
    Session::new(cast, number).id
}

impl<'a> Session<'a> {
    fn new(cast: &'a Cast, number: u32) -> Self {
        let mut draw = Draw::of(4, number.into());
        let generated = uuid(draw.bits(), draw.bits());
        let topic = format!("{} {}", draw.one(&TOPICS), draw.below(1_000));
        let key = &cast.keys[cast.key_ranks.one(&mut draw)];
        let other = if draw.chance(0.02) { &cast.keys[cast.key_ranks.one(&mut draw)] } else { key };
        let number_of_agents = match draw.unit() {
            ..0.1 => 0,
            ..0.92 => 1,
            _ => 2 + draw.below(3),
        };
        let agents: Vec<&Agent> =
            (0..number_of_agents).map(|_| &cast.agents[cast.agent_ranks.one(&mut draw)]).collect();
        // A client's own name, or one that the proxy has made.
        let id = match agents.first().filter(|_| draw.chance(0.2)) {
            Some(agent) => format!("{}:{number}", agent.name),
            None => generated,
        };
        let end_user = if draw.chance(0.2) {
            String::new()
        } else {
            format!("customer-{:05}", cast.end_user_ranks.one(&mut draw))
        };
        Self { id, keys: [key, other], agents, topic, model: &MODELS[cast.model_ranks.one(&mut draw)], end_user }
    }
}

/// Every request of a chat repeats its history, up to a point.
fn tokens(draw: &mut Draw, number: u32, answers: bool, failed: bool) -> [u32; 3] {
    if failed {
        return [0; 3];
    }
    let prompt = draw.about(280.0, 0.8, 8, 20_000) + 160 * number.min(60);
    let cached = if number > 0 && answers && draw.chance(0.35) { prompt * 7 / 10 } else { 0 };
    let completion = if answers { draw.about(140.0, 0.9, 1, 8_000) } else { 0 };
    [prompt, cached, completion]
}
