//! The rows of a log, and which of them a filter picks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::rows;
use chrono::{DateTime, Utc};
use local::fixtures::Release;
use serde_json::Value;

use super::Row;

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
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A path with these parameters.
pub fn path(path: &str, parameters: &[(&str, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
