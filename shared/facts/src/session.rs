//! A session's figures, over its requests, and the names that its row in the index has.

use crate::Fact;
use crate::absent::{DEFAULT_CONVERSATION, UNKNOWN, UNTAGGED};

/// SQL of the end of the last response of a session, over its requests `e`. A request that ended before it started was over at
/// its start.
#[macro_export]
macro_rules! session_end {
    () => {
        "max(GREATEST(e.ended_at, e.started_at))"
    };
}

/// SQL of the seconds from the first start to the last end.
#[macro_export]
macro_rules! session_duration {
    () => {
        concat!("EXTRACT(EPOCH FROM ", $crate::session_end!(), " - min(e.started_at))")
    };
}

/// The totals that the index keeps in a session's row for this alone: their columns, and the aggregates over the requests `e`
/// of one session that they have.
pub const SUMMARY_COLUMNS: [(&str, &str); 16] = [
    ("user_id", "COALESCE(mode() WITHIN GROUP (ORDER BY e.user_id COLLATE \"C\"), 'unknown')"),
    ("agent_name", "COALESCE(mode() WITHIN GROUP (ORDER BY e.agent_name COLLATE \"C\"), 'unknown')"),
    ("conversation_name", "COALESCE(mode() WITHIN GROUP (ORDER BY e.conversation_name COLLATE \"C\"), 'default')"),
    ("session_end", session_end!()),
    (
        "busy_seconds",
        "(SELECT COALESCE(sum(EXTRACT(EPOCH FROM upper(b.r) - lower(b.r))), 0)::float8 \
          FROM unnest(range_agg(tsrange(e.started_at, GREATEST(e.started_at, e.ended_at)))) AS b(r))",
    ),
    ("prompt_tokens", "COALESCE(sum(e.prompt_tokens), 0)::bigint"),
    ("completion_tokens", "COALESCE(sum(e.completion_tokens), 0)::bigint"),
    ("cached_tokens", "sum(e.cached_tokens)::bigint"),
    ("avg_response_time", "COALESCE(avg(e.duration_ms) / 1000, 0)::float8"),
    ("p50_response_time", "COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8"),
    ("p95_response_time", "COALESCE(percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8"),
    ("function_calls_exact", "COALESCE(bool_and(e.tool_calls_exact), true)"),
    (
        "cache_hit_rate",
        "COALESCE(round(100.0 * count(*) FILTER (WHERE e.cache_hit) / NULLIF(count(*), 0), 2), 0)::float8",
    ),
    ("models_used", "COALESCE(array_agg(DISTINCT e.model COLLATE \"C\") FILTER (WHERE e.model IS NOT NULL), '{}')"),
    (
        "model_groups_used",
        "COALESCE(array_agg(DISTINCT e.model_group COLLATE \"C\") FILTER (WHERE e.model_group IS NOT NULL), '{}')",
    ),
    ("end_users", "COALESCE(array_agg(DISTINCT e.end_user COLLATE \"C\") FILTER (WHERE e.end_user IS NOT NULL), '{}')"),
];

/// A kind of names that the index lists in a session's row: those of all its requests. A search looks for them there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionName {
    /// The agent.
    Agent,
    /// The conversation.
    Conversation,
    /// The LiteLLM user.
    User,
    /// The end user.
    EndUser,
    /// The team.
    Team,
    /// The model: its public name, and the one that LiteLLM wrote.
    Model,
    /// How the request ended.
    Status,
    /// A tag.
    Tag,
    /// The virtual key, by its hash.
    Key,
    /// The provider.
    Provider,
    /// The class of the error of a failed request.
    Error,
    /// A called tool.
    Tool,
}

impl SessionName {
    /// All, in the order in which the index writes them.
    pub const ALL: [Self; 12] = [
        Self::Agent,
        Self::Conversation,
        Self::User,
        Self::EndUser,
        Self::Team,
        Self::Model,
        Self::Status,
        Self::Tag,
        Self::Key,
        Self::Provider,
        Self::Error,
        Self::Tool,
    ];

    /// The word before the colon.
    const fn kind(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Conversation => "conversation",
            Self::User => "user",
            Self::EndUser => "end_user",
            Self::Team => "team",
            Self::Model => "model",
            Self::Status => "status",
            Self::Tag => "tag",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Error => "error",
            Self::Tool => "tool",
        }
    }

    /// The name as the row lists it: `team:blue`.
    #[must_use]
    pub fn listed(self, name: &str) -> String {
        format!("{}:{name}", self.kind())
    }

    /// SQL of the names of this kind that a request `f` has as columns, NULL where it has none. Not of its tags
    /// and tools, of which it can have several, but for the name of having no tag.
    #[must_use]
    pub fn of_request(self) -> Vec<String> {
        let column = |fact: Fact| format!("'{}:' || f.{}", self.kind(), fact.name());
        let or = |fact: Fact, none: &str| format!("'{}:' || COALESCE(f.{}, '{none}')", self.kind(), fact.name());
        match self {
            Self::Agent => vec![or(Fact::AgentName, UNKNOWN)],
            Self::Conversation => vec![or(Fact::ConversationName, DEFAULT_CONVERSATION)],
            Self::User => vec![or(Fact::UserId, UNKNOWN)],
            Self::EndUser => vec![or(Fact::EndUser, UNKNOWN)],
            Self::Team => vec![or(Fact::TeamId, UNKNOWN)],
            Self::Model => vec![or(Fact::ModelGroup, UNKNOWN), column(Fact::Model)],
            Self::Status => vec![column(Fact::Status)],
            Self::Tag => vec![format!(
                "CASE WHEN NOT COALESCE(f.tags @? '$[*] ? (@.type() == \"string\")', false) THEN '{}' END",
                self.listed(UNTAGGED)
            )],
            Self::Key => vec![or(Fact::ApiKeyHash, UNKNOWN)],
            Self::Provider => vec![or(Fact::Provider, UNKNOWN)],
            Self::Error => vec![format!("CASE WHEN f.status = 'failure' THEN {} END", or(Fact::ErrorClass, UNKNOWN))],
            Self::Tool => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_request_are_those_that_a_search_looks_for() {
        for kind in SessionName::ALL {
            for sql in kind.of_request() {
                assert!(sql.contains(&format!("'{}", kind.listed(""))), "{kind:?}: {sql}");
            }
        }
        assert_eq!(SessionName::EndUser.listed("alice"), "end_user:alice");
        assert_eq!(SessionName::Team.of_request(), ["'team:' || COALESCE(f.team_id, 'unknown')"]);
        assert_eq!(
            SessionName::Model.of_request(),
            ["'model:' || COALESCE(f.model_group, 'unknown')", "'model:' || f.model"]
        );
    }
}
