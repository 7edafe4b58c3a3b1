//! What requests are grouped by.

use crate::choice;
use crate::facts::{Fact, Facts};
use crate::queries::filter::{UNKNOWN, UNTAGGED};

/// What makes a group of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The model's public name.
    Model,
    /// The agent.
    Agent,
    /// The LiteLLM user who owns the key.
    User,
    /// The end user that the caller named.
    EndUser,
    /// The key's team.
    Team,
    /// The virtual key.
    Key,
    /// The provider.
    Provider,
    /// Each tag; a request with several counts in each of their groups.
    Tag,
    /// Each called tool; a request that called several counts in each of their groups, one that called none in none.
    Tool,
    /// The class of the error; a request that did not fail counts in no group.
    ErrorClass,
}

choice! {
    /// The dimensions that a caller may ask for.
    GroupBy {
        /// The model's public name.
        Model = "model",
        /// The agent.
        Agent = "agent",
        /// The LiteLLM user who owns the key.
        User = "user",
        /// The end user that the caller named.
        EndUser = "end_user",
        /// The key's team.
        Team = "team",
        /// The virtual key.
        Key = "key",
        /// The provider.
        Provider = "provider",
        /// Each tag.
        Tag = "tag",
        /// Each called tool.
        Tool = "tool",
    }
}

impl From<GroupBy> for Dimension {
    fn from(word: GroupBy) -> Self {
        match word {
            GroupBy::Model => Self::Model,
            GroupBy::Agent => Self::Agent,
            GroupBy::User => Self::User,
            GroupBy::EndUser => Self::EndUser,
            GroupBy::Team => Self::Team,
            GroupBy::Key => Self::Key,
            GroupBy::Provider => Self::Provider,
            GroupBy::Tag => Self::Tag,
            GroupBy::Tool => Self::Tool,
        }
    }
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Model,
        Self::Agent,
        Self::User,
        Self::EndUser,
        Self::Team,
        Self::Key,
        Self::Provider,
        Self::Tag,
        Self::Tool,
        Self::ErrorClass,
    ];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Agent => "agent",
            Self::User => "user",
            Self::EndUser => "end_user",
            Self::Team => "team",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Tag => "tag",
            Self::Tool => "tool",
            Self::ErrorClass => "error_class",
        }
    }

    /// The facts that the key needs.
    pub(super) const fn facts(self) -> &'static [Fact] {
        match self {
            Self::Model => &[Fact::ModelGroup],
            Self::Agent => &[Fact::AgentName],
            Self::User => &[Fact::UserId],
            Self::EndUser => &[Fact::EndUser],
            Self::Team => &[Fact::TeamId],
            Self::Key => &[Fact::ApiKeyHash],
            Self::Provider => &[Fact::Provider],
            Self::Tag => &[Fact::Tags],
            Self::Tool => &[Fact::Tools],
            Self::ErrorClass => &[Fact::ErrorClass, Fact::Status],
        }
    }

    /// SQL of the key over the facts `f` and what [`Self::join`] adds. Named before grouping: LiteLLM itself calls a model
    /// `unknown`, which must not become a second row of that name.
    pub(crate) fn key(self) -> String {
        let named = |column: &str, none: &str| format!("COALESCE({column}, '{none}')");
        match self {
            Self::Tag => named("tag.name", UNTAGGED),
            Self::Tool => "tool.name".into(),
            dimension => named(&format!("f.{}", dimension.facts()[0].name()), UNKNOWN),
        }
    }

    /// Whether the key lies in LiteLLM's fat columns, so that without an index each pass over the requests is dear.
    pub(super) const fn reads_payload(self) -> bool {
        matches!(self, Self::Agent | Self::Tool | Self::ErrorClass)
    }

    /// SQL of the two keys of a grouping by these, the empty text where there is none.
    pub(crate) fn two_keys(keys: &[Self]) -> [String; 2] {
        [0, 1].map(|place| keys.get(place).map_or_else(|| "''::text".into(), |key| key.key()))
    }

    /// What has to be joined for the key: each request once per distinct tag (and once without if it has none), or once
    /// per called tool.
    pub(crate) const fn join(self) -> &'static str {
        match self {
            Self::Tag => {
                " LEFT JOIN LATERAL (SELECT DISTINCT j.value #>> '{}' AS name FROM jsonb_array_elements(f.tags) AS j(value) \
                 WHERE jsonb_typeof(j.value) = 'string') AS tag ON true"
            }
            Self::Tool => " CROSS JOIN LATERAL unnest(f.tools) AS tool(name)",
            _ => "",
        }
    }

    /// Which requests have a key at all.
    pub(crate) const fn condition(self) -> &'static str {
        match self {
            Self::ErrorClass => " AND f.status = 'failure'",
            _ => "",
        }
    }

    /// SQL of all keys that a fact `f` has, as an array; each where it is in no group, one or several.
    pub(crate) fn keys_of_fact(self) -> String {
        let (key, join, condition) = (self.key(), self.join(), self.condition());
        if join.is_empty() {
            format!("CASE WHEN true{condition} THEN ARRAY[{key}] ELSE '{{}}' END")
        } else {
            format!("ARRAY(SELECT {key} FROM (SELECT) AS one{join} WHERE true{condition})")
        }
    }

    /// Whether each request is in exactly one group, so that the groups sum to the window.
    #[must_use]
    pub const fn is_partition(self) -> bool {
        !matches!(self, Self::Tag | Self::Tool | Self::ErrorClass)
    }

    /// SQL of the name that LiteLLM has for a key in the column `id`.
    pub(super) fn label(self, facts: &Facts, id: &str) -> Option<String> {
        match self {
            Self::Team => Some(facts.team_label(id)),
            Self::Key => Some(facts.key_label(id)),
            _ => None,
        }
    }
}
