//! Conditions on single requests, shared by every list and every analytics question.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::key_hash::may_be_shown;
use traceability_core::scalar::{Bounded, Dollars, Flag, Origin, Outcome, Seconds, Text, Texts};
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::absent::{DEFAULT_CONVERSATION, UNKNOWN, UNTAGGED};
use traceability_facts::{Conditions, Fact, RowSelector};

use crate::source::RequestSource;

/// What a request must be. Absent conditions let everything pass; of several names it must have one.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// The agent's name; `unknown` for requests that name none. Reads payload.
    pub agent_name: Vec<String>,
    /// The conversation's name; `default` for requests that name none. Reads payload.
    pub conversation_name: Vec<String>,
    /// The LiteLLM user; `unknown` for requests without one.
    pub user_id: Vec<String>,
    /// The end user; `unknown` for requests without one.
    pub end_user: Vec<String>,
    /// The team; `unknown` for requests without one.
    pub team_id: Vec<String>,
    /// The virtual key's hash; `unknown` for requests without one. An alias is none, see [`Self::with_key_hashes`].
    pub key: Vec<String>,
    /// The model, by its public name or as LiteLLM wrote it.
    pub model: Vec<String>,
    /// The provider; `unknown` for requests without one.
    pub provider: Vec<String>,
    /// LiteLLM's call type; `unknown` for requests without one.
    pub call_type: Vec<String>,
    /// A tag; `untagged` for requests without one.
    pub tag: Vec<String>,
    /// A tool that it called. Reads responses.
    pub tool: Vec<String>,
    /// The session.
    pub session_id: Vec<String>,
    /// The class of the error of a failed request; `unknown` for those without one. Reads payload.
    pub error_class: Vec<String>,
    /// How it ended.
    pub status: Option<Outcome>,
    /// Who made it. Reads LiteLLM's metadata; nothing is rolled up by it.
    pub origin: Option<Origin>,
    /// With or without tool calls. Reads responses.
    pub has_tool_calls: Option<bool>,
    /// US dollars, at least.
    pub min_cost: Option<f64>,
    /// All tokens, at least.
    pub min_tokens: Option<u32>,
    /// Seconds from start to end, at least.
    pub min_duration: Option<f64>,
}

/// A condition of a filter, as parameters and settings have it.
pub trait Condition {
    /// As [`RequestFilter`] has it.
    type Value;

    /// Its value; none lets everything pass.
    fn value(&self) -> Self::Value;
}

impl Condition for Option<Text> {
    type Value = Vec<String>;

    fn value(&self) -> Vec<String> {
        self.iter().map(|text| text.0.clone()).collect()
    }
}

impl Condition for Option<Texts> {
    type Value = Vec<String>;

    fn value(&self) -> Vec<String> {
        self.iter().flat_map(|texts| &texts.0).map(|text| text.0.clone()).collect()
    }
}

impl Condition for Option<Outcome> {
    type Value = Self;

    fn value(&self) -> Self {
        *self
    }
}

impl Condition for Option<Origin> {
    type Value = Self;

    fn value(&self) -> Self {
        *self
    }
}

impl Condition for Option<Flag> {
    type Value = Option<bool>;

    fn value(&self) -> Option<bool> {
        self.map(|flag| flag.0)
    }
}

impl Condition for Option<Dollars> {
    type Value = Option<f64>;

    fn value(&self) -> Option<f64> {
        self.map(|dollars| dollars.0)
    }
}

impl Condition for Option<Seconds> {
    type Value = Option<f64>;

    fn value(&self) -> Option<f64> {
        self.map(|seconds| seconds.0)
    }
}

impl<const MIN: u32, const MAX: u32> Condition for Option<Bounded<MIN, MAX>> {
    type Value = Option<u32>;

    fn value(&self) -> Option<u32> {
        self.map(|number| number.0)
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
        let names: [(&[String], &[Fact]); 13] = [
            (&self.agent_name, &[Fact::AgentName]),
            (&self.conversation_name, &[Fact::ConversationName]),
            (&self.user_id, &[Fact::UserId]),
            (&self.end_user, &[Fact::EndUser]),
            (&self.team_id, &[Fact::TeamId]),
            (&self.key, &[Fact::ApiKeyHash]),
            (&self.model, &[Fact::Model, Fact::ModelGroup]),
            (&self.provider, &[Fact::Provider]),
            (&self.call_type, &[Fact::CallType]),
            (&self.tag, &[Fact::Tags]),
            (&self.tool, &[Fact::Tools]),
            (&self.session_id, &[Fact::SessionId]),
            (&self.error_class, &[Fact::ErrorClass, Fact::Status]),
        ];
        let others = [
            (self.status.is_some(), Fact::Status),
            (self.origin.is_some(), Fact::Origin),
            (self.has_tool_calls.is_some(), Fact::ToolCalls),
            (self.min_cost.is_some(), Fact::Spend),
            (self.min_tokens.is_some(), Fact::TotalTokens),
            (self.min_duration.is_some(), Fact::DurationMs),
        ];
        let of_names = names.into_iter().filter(|(names, _)| !names.is_empty()).flat_map(|(_, facts)| facts).copied();
        of_names.chain(others.into_iter().filter_map(|(is_asked, fact)| is_asked.then_some(fact))).collect()
    }

    /// The requests of a window among which are those that pass: those of the sessions, where some are asked for.
    #[must_use]
    pub fn rows<'a>(&'a self, window: &'a TimeWindow) -> RowSelector<'a> {
        match self.session_id.as_slice() {
            [] => RowSelector::Started(window),
            sessions => RowSelector::StartedInSessions { window, sessions },
        }
    }

    /// The same conditions, with names as these facts have them: what selects rows of the index by name needs this.
    #[must_use]
    pub fn stored(&self, facts: &RequestSource) -> Self {
        let stored = |names: &[String]| names.iter().map(|name| facts.stored(name).into_owned()).collect();
        Self {
            agent_name: stored(&self.agent_name),
            conversation_name: stored(&self.conversation_name),
            user_id: stored(&self.user_id),
            end_user: stored(&self.end_user),
            team_id: stored(&self.team_id),
            key: stored(&self.key),
            model: stored(&self.model),
            provider: stored(&self.provider),
            call_type: stored(&self.call_type),
            tag: stored(&self.tag),
            tool: stored(&self.tool),
            session_id: stored(&self.session_id),
            error_class: stored(&self.error_class),
            ..self.clone()
        }
    }

    /// The same with the hashes of the virtual keys that have these aliases, beside what was asked for. Nothing is asked of the
    /// database where no key can be an alias.
    ///
    /// # Errors
    /// Whatever the database reports.
    pub async fn with_key_hashes(mut self, conn: &mut Connection, facts: &RequestSource) -> sqlx::Result<Self> {
        let aliases: Vec<String> = self.key.iter().filter(|key| !may_be_shown(key)).cloned().collect();
        if let Some(mut sql) = (!aliases.is_empty()).then(|| facts.keys_called(&aliases)).flatten() {
            self.key.extend(sql.build_query_scalar::<String>().fetch_all(conn).await?);
        }
        Ok(self)
    }

    /// Appends each condition, over the requests `alias`.
    pub(super) fn push(&self, conditions: &mut Conditions<'_>, alias: &str) {
        let or_none = |column: &str, none: &str| format!("COALESCE({alias}.{column}, '{none}')");
        // The cheap conditions come first: PostgreSQL then unpacks the names of the remaining rows only.
        push_any(conditions, &format!("{alias}.session_id"), &self.session_id);
        push_any(conditions, &or_none("end_user", UNKNOWN), &self.end_user);
        push_any(conditions, &or_none("team_id", UNKNOWN), &self.team_id);
        if let Some(status) = self.status {
            conditions.and().push(format!("{alias}.status = ")).push_bind(status.word());
        }
        push_any(conditions, &or_none("user_id", UNKNOWN), &self.user_id);
        push_any(conditions, &or_none("api_key_hash", UNKNOWN), &self.key);
        push_any(conditions, &or_none("provider", UNKNOWN), &self.provider);
        push_any(conditions, &or_none("call_type", UNKNOWN), &self.call_type);
        self.push_least(conditions, alias);
        if !self.model.is_empty() {
            let sql = conditions.and();
            sql.push(format!("({} ", or_none("model_group", UNKNOWN)));
            push_one_of(sql, &self.model);
            sql.push(format!(" OR {alias}.model "));
            push_one_of(sql, &self.model);
            sql.push(")");
        }
        self.push_tags(conditions, alias);
        match self.origin.map(Origin::word) {
            Some(Some(word)) => {
                conditions.and().push(format!("{alias}.origin = ")).push_bind(word);
            }
            Some(None) => {
                conditions.and().push(format!("{alias}.origin IS NULL"));
            }
            None => {}
        }
        push_any(conditions, &or_none("agent_name", UNKNOWN), &self.agent_name);
        push_any(conditions, &or_none("conversation_name", DEFAULT_CONVERSATION), &self.conversation_name);
        if !self.error_class.is_empty() {
            conditions.and().push(format!("{alias}.status = 'failure'"));
            push_any(conditions, &or_none("error_class", UNKNOWN), &self.error_class);
        }
        if let Some(has) = self.has_tool_calls {
            conditions.and().push(format!("({alias}.tool_calls > 0) = ")).push_bind(has);
        }
        if !self.tool.is_empty() {
            conditions.and().push(format!("{alias}.tools && ")).push_bind(self.tool.clone()).push("::text[]");
        }
    }

    /// Appends what figures must be at least, as lists of requests show them.
    fn push_least(&self, conditions: &mut Conditions<'_>, alias: &str) {
        if let Some(dollars) = self.min_cost {
            // As decimals, as the costs of sessions are compared.
            conditions.and().push(format!("{alias}.spend::numeric >= ")).push_bind(dollars).push("::numeric");
        }
        if let Some(tokens) = self.min_tokens {
            conditions.and().push(format!("{alias}.total_tokens >= ")).push_bind(i64::from(tokens));
        }
        if let Some(seconds) = self.min_duration {
            conditions.and().push(format!("{alias}.duration_ms / 1000.0::float8 >= ")).push_bind(seconds);
        }
    }

    fn push_tags(&self, conditions: &mut Conditions<'_>, alias: &str) {
        let sql = match self.tag.as_slice() {
            [] => return,
            [tag] => conditions.and().push(format!("({alias}.tags ? ")).push_bind(tag.clone()),
            tags => conditions.and().push(format!("({alias}.tags ?| ")).push_bind(tags.to_vec()).push("::text[]"),
        };
        if self.tag.iter().any(|tag| tag == UNTAGGED) {
            sql.push(format!(" OR NOT COALESCE({alias}.tags @? '$[*] ? (@.type() == \"string\")', false)"));
        }
        sql.push(")");
    }
}

/// Appends the condition that `value`, SQL of a text, is one of these; nothing where there are none.
fn push_any(conditions: &mut Conditions<'_>, value: &str, names: &[String]) {
    if !names.is_empty() {
        let sql = conditions.and();
        sql.push(format!("{value} "));
        push_one_of(sql, names);
    }
}

/// Appends `= …`: one of these.
fn push_one_of(sql: &mut QueryBuilder<Postgres>, names: &[String]) {
    match names {
        [name] => sql.push("= ").push_bind(name.clone()),
        names => sql.push("= ANY(").push_bind(names.to_vec()).push(")"),
    };
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
