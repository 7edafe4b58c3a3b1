//! Conditions on single requests, shared by every list and every analytics question.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use traceability_core::scalar::{Origin, Outcome, Text};
use traceability_facts::absent::{DEFAULT_CONVERSATION, UNKNOWN, UNTAGGED};
use traceability_facts::{Conditions, Fact};

use crate::source::RequestSource;

/// What a request must be. Absent conditions let everything pass.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// The agent's name; `unknown` for requests that name none. Reads payload.
    pub agent_name: Option<String>,
    /// The conversation's name; `default` for requests that name none. Reads payload.
    pub conversation_name: Option<String>,
    /// The LiteLLM user; `unknown` for requests without one.
    pub user_id: Option<String>,
    /// The end user; `unknown` for requests without one.
    pub end_user: Option<String>,
    /// The team; `unknown` for requests without one.
    pub team_id: Option<String>,
    /// The model, by its public name or as LiteLLM wrote it.
    pub model: Option<String>,
    /// A tag; `untagged` for requests without one.
    pub tag: Option<String>,
    /// How it ended.
    pub status: Option<Outcome>,
    /// Who made it. Reads LiteLLM's metadata; nothing is rolled up by it.
    pub origin: Option<Origin>,
}

/// A condition of a filter, as parameters and settings have it.
pub trait Condition {
    /// As [`RequestFilter`] has it.
    type Value;

    /// Its value; `None` lets everything pass.
    fn value(&self) -> Option<Self::Value>;
}

impl Condition for Option<Text> {
    type Value = String;

    fn value(&self) -> Option<String> {
        self.as_ref().map(|text| text.0.clone())
    }
}

impl Condition for Option<Outcome> {
    type Value = Outcome;

    fn value(&self) -> Self {
        *self
    }
}

impl Condition for Option<Origin> {
    type Value = Origin;

    fn value(&self) -> Self {
        *self
    }
}

/// The [`RequestFilter`](crate::filter::RequestFilter) with these conditions of a struct, which has them under the same
/// names. The others let everything pass.
#[macro_export]
macro_rules! request_filter {
    ($conditions:expr, $($name:ident),+ $(,)?) => {{
        let mut filter = $crate::filter::RequestFilter::default();
        $(filter.$name = $crate::filter::Condition::value(&$conditions.$name);)+
        filter
    }};
}

impl RequestFilter {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts().is_empty()
    }

    /// The facts that the conditions need.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut need = |wanted: bool, needed: &[Fact]| {
            if wanted {
                facts.extend_from_slice(needed);
            }
        };
        need(self.agent_name.is_some(), &[Fact::AgentName]);
        need(self.conversation_name.is_some(), &[Fact::ConversationName]);
        need(self.user_id.is_some(), &[Fact::UserId]);
        need(self.end_user.is_some(), &[Fact::EndUser]);
        need(self.team_id.is_some(), &[Fact::TeamId]);
        need(self.model.is_some(), &[Fact::Model, Fact::ModelGroup]);
        need(self.tag.is_some(), &[Fact::Tags]);
        need(self.status.is_some(), &[Fact::Status]);
        need(self.origin.is_some(), &[Fact::Origin]);
        facts
    }

    /// The same conditions, with names as these facts have them: what selects rows of the index by name needs this.
    #[must_use]
    pub fn stored(&self, facts: &RequestSource) -> Self {
        let stored = |name: &Option<String>| name.as_deref().map(|name| facts.stored(name).into_owned());
        Self {
            agent_name: stored(&self.agent_name),
            conversation_name: stored(&self.conversation_name),
            user_id: stored(&self.user_id),
            end_user: stored(&self.end_user),
            team_id: stored(&self.team_id),
            model: stored(&self.model),
            tag: stored(&self.tag),
            status: self.status,
            origin: self.origin,
        }
    }

    /// Appends each condition, over the requests `alias`.
    pub(super) fn push(&self, conditions: &mut Conditions<'_>, alias: &str) {
        // The cheap conditions come first: PostgreSQL then unpacks the names of the remaining rows only.
        push_or_none(conditions, alias, "end_user", self.end_user.as_deref(), UNKNOWN);
        push_or_none(conditions, alias, "team_id", self.team_id.as_deref(), UNKNOWN);
        if let Some(status) = self.status {
            conditions.and().push(format!("{alias}.status = ")).push_bind(status.word());
        }
        push_or_none(conditions, alias, "user_id", self.user_id.as_deref(), UNKNOWN);
        if let Some(model) = &self.model {
            let sql = conditions.and();
            sql.push(format!("(COALESCE({alias}.model_group, '{UNKNOWN}') = ")).push_bind(model.clone());
            sql.push(format!(" OR {alias}.model = ")).push_bind(model.clone()).push(")");
        }
        if let Some(tag) = &self.tag {
            let sql = conditions.and();
            sql.push(format!("({alias}.tags ? ")).push_bind(tag.clone());
            if tag == UNTAGGED {
                sql.push(format!(" OR NOT COALESCE({alias}.tags @? '$[*] ? (@.type() == \"string\")', false)"));
            }
            sql.push(")");
        }
        match self.origin.map(Origin::word) {
            Some(Some(word)) => {
                conditions.and().push(format!("{alias}.origin = ")).push_bind(word);
            }
            Some(None) => {
                conditions.and().push(format!("{alias}.origin IS NULL"));
            }
            None => {}
        }
        push_or_none(conditions, alias, "agent_name", self.agent_name.as_deref(), UNKNOWN);
        push_or_none(conditions, alias, "conversation_name", self.conversation_name.as_deref(), DEFAULT_CONVERSATION);
    }
}

fn push_or_none(conditions: &mut Conditions<'_>, alias: &str, column: &str, value: Option<&str>, none: &str) {
    if let Some(value) = value {
        conditions.and().push(format!("COALESCE({alias}.{column}, '{none}') = ")).push_bind(value.to_owned());
    }
}

/// Reads an instant of a cursor, which a client may have made up: one that PostgreSQL and chrono can count with.
///
/// # Errors
/// For any other instant.
pub fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let instant = DateTime::<Utc>::deserialize(deserializer)?;
    if (1970..=9999).contains(&instant.year()) { Ok(instant) } else { Err(D::Error::custom("out of range")) }
}

/// Reads an id of a cursor: one that PostgreSQL can compare with.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.contains('\0') { Err(D::Error::custom("contains NUL")) } else { Ok(id) }
}

/// A bind for a column that holds UTC without saying so, as Prisma's timestamps do.
pub(super) fn utc(instant: DateTime<Utc>) -> NaiveDateTime {
    instant.naive_utc()
}

/// The facts, each once.
pub(super) fn union(facts: &[&[Fact]]) -> Vec<Fact> {
    let mut all: Vec<Fact> = facts.concat();
    all.sort_unstable();
    all.dedup();
    all
}
