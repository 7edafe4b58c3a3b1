//! Who appears in the log: keys with their users and teams, agents, models, tags, tools.

use super::draw::{Draw, Ranks};

/// How many there are of each.
pub const USERS: u32 = 2_000;
/// Teams, of which each key has one or none.
pub const TEAMS: u32 = 60;
/// Keys: one of each user, a second of some, and a hundred that belong to nobody.
pub const KEYS: u32 = 3_000;
const SERVICE_KEYS: u32 = 100;
/// End users, whom the callers name.
const END_USERS: u32 = 5_000;

/// A virtual key of LiteLLM.
pub struct Key {
    /// Its hash.
    pub token: String,
    /// Its name.
    pub alias: String,
    /// Whose it is; empty for nobody's.
    pub user: String,
    /// Its team; empty for none.
    pub team: String,
    /// The team's name.
    pub team_alias: String,
}

/// How a request says which agent made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By a header, which LiteLLM keeps in `spend_logs_metadata`.
    Metadata,
    /// By the id of one in LiteLLM's agents table.
    Table,
    /// By a tag.
    Tag,
}

/// An agent.
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its id, where LiteLLM has a table of agents.
    pub id: String,
    /// How its requests name it.
    pub naming: Naming,
}

/// A model as LiteLLM's configuration names it.
pub struct Model {
    /// What callers ask for.
    pub group: &'static str,
    /// What LiteLLM writes into `model`: the provider and the provider's own name.
    pub name: &'static str,
    /// The provider.
    pub provider: &'static str,
    /// Billionths of a dollar per token of the prompt.
    pub input: u64,
    /// Billionths of a dollar per token of the response; 0 where there are none.
    pub output: u64,
    /// How much slower it answers than others.
    pub pace: f64,
}

/// Everyone, and how often each appears.
pub struct Cast {
    /// Keys.
    pub keys: Vec<Key>,
    /// Agents.
    pub agents: Vec<Agent>,
    /// Tags.
    pub tags: Vec<String>,
    /// Tools.
    pub tools: Vec<String>,
    /// How frequent each key is.
    pub key_ranks: Ranks,
    /// Each agent.
    pub agent_ranks: Ranks,
    /// Each model.
    pub model_ranks: Ranks,
    /// Each end user.
    pub end_user_ranks: Ranks,
    /// Each tag.
    pub tag_ranks: Ranks,
    /// Each tool.
    pub tool_ranks: Ranks,
}

impl Cast {
    /// The same in every run.
    pub fn new() -> Self {
        let pairs = |first: &[&str], second: &[&str], between: &str| -> Vec<String> {
            let pair =
                |second: &&str| first.iter().map(|first| format!("{first}{between}{second}")).collect::<Vec<_>>();
            second.iter().flat_map(pair).collect()
        };
        let agents = pairs(&FIELDS, &ROLES, "-").into_iter().zip(0..).map(agent).collect::<Vec<_>>();
        let tools = pairs(&VERBS, &NOUNS, "_");
        let tags = pairs(&["env:", "dept:", "feature:"], &TAGGED, "");
        let ranks = |things: usize, exponent| Ranks::new(u32::try_from(things).unwrap_or(u32::MAX), exponent);
        Self {
            keys: (0..KEYS).map(key).collect(),
            key_ranks: Ranks::new(KEYS, 0.7),
            agent_ranks: ranks(agents.len(), 0.8),
            model_ranks: ranks(MODELS.len(), 0.9),
            end_user_ranks: Ranks::new(END_USERS, 0.7),
            tag_ranks: ranks(tags.len(), 0.8),
            tool_ranks: ranks(tools.len(), 0.9),
            agents,
            tags,
            tools,
        }
    }
}

/// The name of the user with this number.
pub fn user(number: u32) -> String {
    format!("user-{number:04}")
}

/// The id and the name of the team with this number.
pub fn team(number: u32) -> (String, String) {
    (format!("team-{number:02}"), format!("Team {number}"))
}

fn key(number: u32) -> Key {
    let mut draw = Draw::of(1, number.into());
    let token = std::iter::repeat_with(|| format!("{:016x}", draw.bits())).take(4).collect();
    let owner = u64::from(if number < USERS { number } else { number % 700 });
    let user =
        if number < KEYS - SERVICE_KEYS { user(u32::try_from(owner).unwrap_or_default()) } else { String::new() };
    let (team, team_alias) = if draw.chance(0.05) { (String::new(), String::new()) } else { team(number % TEAMS) };
    Key { token, alias: format!("key-{number:04}"), user, team, team_alias }
}

fn agent((name, number): (String, u64)) -> Agent {
    let mut draw = Draw::of(2, number);
    let naming = match number % 10 {
        0..6 => Naming::Metadata,
        6..9 => Naming::Table,
        _ => Naming::Tag,
    };
    Agent { name, id: uuid(draw.bits(), draw.bits()), naming }
}

/// A UUID of these bits.
pub fn uuid(high: u64, low: u64) -> String {
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", (low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff)
}

const FIELDS: [&str; 10] =
    ["support", "sales", "billing", "travel", "legal", "hr", "data", "code", "operations", "research"];
const ROLES: [&str; 5] = ["bot", "planner", "reviewer", "analyst", "writer"];
const VERBS: [&str; 8] = ["get", "search", "create", "update", "delete", "list", "send", "check"];
const NOUNS: [&str; 5] = ["order", "customer", "weather", "document", "ticket"];
const TAGGED: [&str; 10] = ["prod", "search", "data", "mail", "chat", "batch", "test", "staging", "mobile", "legacy"];

/// What a session may be about, beside a number.
pub const TOPICS: [&str; 20] = [
    "Refund",
    "Late delivery",
    "Invoice",
    "København → Kraków",
    "Contract",
    "Holiday",
    "Login",
    "Outage",
    "Migration",
    "Price list",
    "Complaint",
    "Onboarding",
    "Audit",
    "Translation",
    "Summary",
    "Report",
    "Review",
    "Warranty",
    "Visa",
    "Newsletter",
];

/// The models, the most frequent first.
pub const MODELS: [Model; 20] = [
    model("gpt-4o-mini", "openai/gpt-4o-mini", "openai", 150, 600, 0.7),
    model("claude-sonnet-4.5", "anthropic/claude-sonnet-4-5-20250929", "anthropic", 3_000, 15_000, 1.8),
    model("gpt-4o", "openai/gpt-4o", "openai", 2_500, 10_000, 1.2),
    model("gemini-2.5-flash", "gemini/gemini-2.5-flash", "gemini", 300, 2_500, 0.6),
    model("text-embedding-3-small", "openai/text-embedding-3-small", "openai", 20, 0, 0.1),
    model("claude-haiku-4.5", "anthropic/claude-haiku-4-5-20251001", "anthropic", 1_000, 5_000, 0.9),
    model("gpt-4.1", "openai/gpt-4.1", "openai", 2_000, 8_000, 1.1),
    model("gemini-2.5-pro", "gemini/gemini-2.5-pro", "gemini", 1_250, 10_000, 2.5),
    model("mistral-large", "mistral/mistral-large-latest", "mistral", 2_000, 6_000, 1.3),
    model("gpt-4.1-mini", "openai/gpt-4.1-mini", "openai", 400, 1_600, 0.8),
    model("nova-pro", "bedrock/eu.amazon.nova-pro-v1:0", "bedrock", 800, 3_200, 1.0),
    model("o4-mini", "openai/o4-mini", "openai", 1_100, 4_400, 4.0),
    model("claude-opus-4.1", "anthropic/claude-opus-4-1-20250805", "anthropic", 15_000, 75_000, 3.0),
    model("mistral-small", "mistral/mistral-small-latest", "mistral", 100, 300, 0.5),
    model("gemini-2.5-flash-lite", "gemini/gemini-2.5-flash-lite", "gemini", 100, 400, 0.4),
    model("codestral", "mistral/codestral-latest", "mistral", 300, 900, 0.6),
    model("nova-lite", "bedrock/eu.amazon.nova-lite-v1:0", "bedrock", 60, 240, 0.6),
    model("llama-3.3-70b", "bedrock/us.meta.llama3-3-70b-instruct-v1:0", "bedrock", 720, 720, 1.4),
    model("titan-embed", "bedrock/amazon.titan-embed-text-v2:0", "bedrock", 20, 0, 0.2),
    model("local-llama", "openai/my-local-llama-3.1", "openai", 0, 1, 2.0),
];

const fn model(
    group: &'static str,
    name: &'static str,
    provider: &'static str,
    input: u64,
    output: u64,
    pace: f64,
) -> Model {
    Model { group, name, provider, input, output, pace }
}
