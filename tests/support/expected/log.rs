//! The rows of a log, and which of them a filter picks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::rows;
use chrono::{DateTime, Utc};
use local::fixtures::Release;
use serde_json::Value;

use super::{Row, as_f64};

/// What LiteLLM keeps beside the log.
#[derive(Debug, Default)]
pub struct Companions {
    /// Names of registered agents by id.
    pub agents: HashMap<String, String>,
    /// Which tools each request called.
    pub called_tools: HashMap<String, BTreeSet<String>>,
}

/// A log.
#[derive(Debug)]
pub struct Log {
    pub rows: Vec<Row>,
}

impl Log {
    /// The log of a release, read once for all tests.
    pub fn of(release: Release) -> &'static Self {
        static LOGS: [OnceLock<Log>; 3] = [const { OnceLock::new() }; 3];
        let place = Release::ALL.iter().position(|one| *one == release).expect("a release");
        LOGS[place].get_or_init(|| Self::new(&rows::log(release), &Companions::of(release)))
    }

    /// The log of these rows.
    pub fn new(rows: &[Value], companions: &Companions) -> Self {
        Self { rows: rows.iter().map(|row| Row::new(row, companions)).collect() }
    }

    /// The rows of each session.
    pub fn sessions(&self) -> BTreeMap<&str, Vec<&Row>> {
        let mut sessions: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            sessions.entry(&row.session).or_default().push(row);
        }
        sessions
    }

    /// The rows that the filter lets pass.
    pub fn matching(&self, filter: &Filter) -> Vec<&Row> {
        self.rows.iter().filter(|row| filter.matches(row)).collect()
    }
}

impl Companions {
    fn of(release: Release) -> Self {
        let mut companions = Self::default();
        let has = |name: &str| release.tables().iter().any(|table| table.name == name);
        if has("LiteLLM_AgentsTable") {
            for agent in rows::of_table(release, "LiteLLM_AgentsTable") {
                companions.agents.insert(string(&agent["agent_id"]), string(&agent["agent_name"]));
            }
        }
        if has("LiteLLM_SpendLogToolIndex") {
            for call in rows::of_table(release, "LiteLLM_SpendLogToolIndex") {
                let tools = companions.called_tools.entry(string(&call["request_id"])).or_default();
                tools.insert(string(&call["tool_name"]));
            }
        }
        companions
    }
}

fn string(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Conditions on requests.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub agent_name: Option<String>,
    pub conversation_name: Option<String>,
    pub user_id: Option<String>,
    pub end_user: Option<String>,
    pub team_id: Option<String>,
    pub model: Option<String>,
    pub tag: Option<String>,
    pub failed: Option<bool>,
    /// Further names, by their parameter: of several with the same one, any.
    pub more: Vec<(&'static str, String)>,
    pub has_tool_calls: Option<bool>,
    pub min_cost: Option<f64>,
    pub min_tokens: Option<i64>,
    pub min_duration: Option<f64>,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
}

impl Filter {
    pub fn matches(&self, row: &Row) -> bool {
        let named = |wanted: &Option<String>, actual: &Option<String>, none: &str| {
            wanted.as_deref().is_none_or(|wanted| actual.as_deref().unwrap_or(none) == wanted)
        };
        let is = |wanted: &Option<String>, actual: &Option<String>| wanted.is_none() || wanted == actual;
        named(&self.agent_name, &row.agent, "unknown")
            && named(&self.conversation_name, &row.conversation, "default")
            && named(&self.user_id, &row.user, "unknown")
            && is(&self.end_user, &row.end_user)
            && is(&self.team_id, &row.team)
            && (named(&self.model, &row.group, "unknown") || is(&self.model, &row.model))
            && self.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
            && self.failed.is_none_or(|failed| row.failed == failed)
            && self
                .more
                .iter()
                .all(|(name, _)| self.more.iter().any(|(other, value)| other == name && has(row, name, value)))
            && self.has_tool_calls.is_none_or(|has| (row.calls > 0) == has)
            && self.min_cost.is_none_or(|least| row.spend.dollars() >= least)
            && self.min_tokens.is_none_or(|least| row.total_tokens >= least)
            && self.min_duration.is_none_or(|least| as_f64(row.duration_ms) / 1000.0 >= least)
            && self.start.is_none_or(|start| row.started >= start)
            && self.end.is_none_or(|end| row.started < end)
    }

    /// The parameters that ask for this. The status is left out: it means different things to sessions and to requests.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339());
        let pairs = [
            ("agent_name", self.agent_name.clone()),
            ("conversation_name", self.conversation_name.clone()),
            ("user_id", self.user_id.clone()),
            ("end_user", self.end_user.clone()),
            ("team_id", self.team_id.clone()),
            ("model", self.model.clone()),
            ("tag", self.tag.clone()),
            ("start_date", time(self.start)),
            ("end_date", time(self.end)),
        ];
        let mut pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        pairs.extend(self.more.iter().cloned());
        pairs.extend(self.has_tool_calls.map(|has| ("has_tool_calls", has.to_string())));
        pairs.extend(self.min_cost.map(|least| ("min_cost", least.to_string())));
        pairs.extend(self.min_tokens.map(|least| ("min_tokens", least.to_string())));
        pairs.extend(self.min_duration.map(|least| ("min_duration", least.to_string())));
        pairs
    }
}

/// Whether a row has this value of a filter.
fn has(row: &Row, name: &str, value: &str) -> bool {
    let is = |actual: &Option<String>| actual.as_deref().unwrap_or("unknown") == value;
    match name {
        "agent_name" => is(&row.agent),
        "user_id" => is(&row.user),
        "end_user" => is(&row.end_user),
        "team_id" => is(&row.team),
        "key" => is(&row.key),
        "provider" => is(&row.provider),
        "call_type" => is(&row.call_type),
        "model" => is(&row.group) || row.model.as_deref() == Some(value),
        "tag" => row.tags.contains(value) || value == "untagged" && row.tags.is_empty(),
        "conversation_name" => row.conversation.as_deref().unwrap_or("default") == value,
        "session_id" => row.session == value,
        "tool" => row.tools.contains(value),
        "error_class" => row.failed && is(&row.error_class),
        other => panic!("no filter {other}"),
    }
}

/// A value of a filter, mostly one that the row has.
pub fn value_of(row: &Row, name: &str) -> String {
    let named = |actual: &Option<String>| actual.as_deref().unwrap_or("unknown").to_owned();
    match name {
        "agent_name" => named(&row.agent),
        "user_id" => named(&row.user),
        "end_user" => named(&row.end_user),
        "team_id" => named(&row.team),
        "key" => named(&row.key),
        "provider" => named(&row.provider),
        "call_type" => named(&row.call_type),
        "model" => named(&row.group),
        "tag" => row.tags.first().map_or("untagged", String::as_str).to_owned(),
        "conversation_name" => row.conversation.as_deref().unwrap_or("default").to_owned(),
        "session_id" => row.session.clone(),
        "tool" => row.tools.first().map_or("no tool", String::as_str).to_owned(),
        "error_class" => named(&row.error_class),
        other => panic!("no filter {other}"),
    }
}

/// A path with these parameters.
pub fn path(path: &str, parameters: &[(&str, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
