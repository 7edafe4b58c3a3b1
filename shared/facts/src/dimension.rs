//! What requests are grouped by, in SQL.

use traceability_core::dimension::Dimension;

use super::Fact;
use crate::absent::{UNKNOWN, UNTAGGED};

/// SQL of a dimension, over facts.
pub trait DimensionSql: Sized {
    /// The facts that the key needs.
    fn facts(self) -> &'static [Fact];

    /// SQL of the key over the facts `f` and what [`Self::join`] adds. Named before grouping: LiteLLM itself calls a model
    /// `unknown`, which must not become a second row of that name.
    fn key(self) -> String;

    /// Whether the key lies in LiteLLM's fat columns, so that without an index each pass over the requests is expensive.
    fn reads_payload(self) -> bool;

    /// SQL of the two keys of a grouping by these, the empty text where there is none.
    fn two_keys(keys: &[Self]) -> [String; 2];

    /// What has to be joined for the key: each request once per distinct tag (and once without if it has none), or once
    /// per called tool.
    fn join(self) -> &'static str;

    /// Which requests have a key at all; `None`: all.
    fn condition(self) -> Option<&'static str>;

    /// SQL of all keys that a fact `f` has, as an array; each where it is in no group, one or several.
    fn keys_of_fact(self) -> String;
}

impl DimensionSql for Dimension {
    fn facts(self) -> &'static [Fact] {
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

    fn key(self) -> String {
        let named = |column: &str, none: &str| format!("COALESCE({column}, '{none}')");
        match self {
            Self::Tag => named("tag.name", UNTAGGED),
            Self::Tool => "tool.name".into(),
            dimension => named(&format!("f.{}", dimension.facts()[0].name()), UNKNOWN),
        }
    }

    fn reads_payload(self) -> bool {
        matches!(self, Self::Agent | Self::Tool | Self::ErrorClass)
    }

    fn two_keys(keys: &[Self]) -> [String; 2] {
        [0, 1].map(|place| keys.get(place).map_or_else(|| "''::text".into(), |key| key.key()))
    }

    fn join(self) -> &'static str {
        match self {
            Self::Tag => {
                " LEFT JOIN LATERAL (SELECT DISTINCT j.value #>> '{}' AS name FROM jsonb_array_elements(f.tags) AS j(value) \
                 WHERE jsonb_typeof(j.value) = 'string') AS tag ON true"
            }
            Self::Tool => " CROSS JOIN LATERAL unnest(f.tools) AS tool(name)",
            _ => "",
        }
    }

    fn condition(self) -> Option<&'static str> {
        match self {
            Self::ErrorClass => Some("f.status = 'failure'"),
            _ => None,
        }
    }

    fn keys_of_fact(self) -> String {
        let (key, join) = (self.key(), self.join());
        match self.condition() {
            None if join.is_empty() => format!("ARRAY[{key}]"),
            None => format!("ARRAY(SELECT {key} FROM (SELECT) AS one{join})"),
            Some(condition) => format!("ARRAY(SELECT {key} FROM (SELECT) AS one{join} WHERE {condition})"),
        }
    }
}
