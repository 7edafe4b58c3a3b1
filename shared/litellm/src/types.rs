//! The types that LiteLLM gives the columns that are read here, and those that can be read in their place.

use super::tables::{AGENTS, DEPRECATED_KEYS, KEYS, SPEND_LOGS, TEAMS, TOOL_INDEX, USERS};

/// The type of a column, by what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Texts,
    Time,
    Count,
    Amount,
    Flag,
    Json,
}

impl Kind {
    /// As LiteLLM has it.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Texts => "text[]",
            Self::Time => "timestamp(3) without time zone",
            Self::Count => "integer",
            Self::Amount => "double precision",
            Self::Flag => "boolean",
            Self::Json => "jsonb",
        }
    }

    /// Whether a column of a type, by its name in `pg_type`, can be read as well.
    pub(super) fn takes(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Self::Text => &["text", "varchar", "bpchar", "name", "citext"],
            Self::Texts => &["_text", "_varchar"],
            Self::Time => &["timestamp"],
            Self::Count | Self::Amount => &["int4", "int2", "int8", "float8", "float4", "numeric"],
            Self::Flag => &["bool"],
            Self::Json => &["jsonb"],
        };
        names.contains(&name)
    }
}

/// The columns of LiteLLM's tables that are read, of whatever release.
const COLUMNS: &[(&str, &[&str], Kind)] = &[
    (
        SPEND_LOGS,
        &[
            "request_id",
            "call_type",
            "api_key",
            "model",
            "model_group",
            "custom_llm_provider",
            "api_base",
            "user",
            "cache_hit",
            "cache_key",
            "team_id",
            "end_user",
            "session_id",
            "status",
            "mcp_namespaced_tool_name",
            "organization_id",
            "agent_id",
            "litellm_call_id",
        ],
        Kind::Text,
    ),
    (SPEND_LOGS, &["startTime", "endTime", "completionStartTime"], Kind::Time),
    (SPEND_LOGS, &["total_tokens", "prompt_tokens", "completion_tokens", "request_duration_ms"], Kind::Count),
    (SPEND_LOGS, &["spend"], Kind::Amount),
    (SPEND_LOGS, &["metadata", "request_tags", "messages", "response", "proxy_server_request"], Kind::Json),
    (TOOL_INDEX, &["request_id", "tool_name"], Kind::Text),
    (TOOL_INDEX, &["start_time"], Kind::Time),
    (AGENTS, &["agent_id", "agent_name"], Kind::Text),
    (KEYS, &["token", "key_alias", "user_id", "team_id", "key_type"], Kind::Text),
    (KEYS, &["expires"], Kind::Time),
    (KEYS, &["blocked"], Kind::Flag),
    (KEYS, &["allowed_routes"], Kind::Texts),
    (TEAMS, &["team_id", "team_alias"], Kind::Text),
    (TEAMS, &["blocked"], Kind::Flag),
    (TEAMS, &["members_with_roles"], Kind::Json),
    (TEAMS, &["team_member_permissions"], Kind::Texts),
    (USERS, &["user_id", "user_role"], Kind::Text),
    (USERS, &["teams"], Kind::Texts),
    (DEPRECATED_KEYS, &["token", "active_token_id"], Kind::Text),
    (DEPRECATED_KEYS, &["revoke_at"], Kind::Time),
];

/// The column's name and kind, if it is read here.
pub(super) fn column(table: &str, column: &str) -> Option<(&'static str, Kind)> {
    let of_table = COLUMNS.iter().filter(|(of, ..)| *of == table);
    of_table.flat_map(|(_, names, kind)| names.iter().map(|name| (*name, *kind))).find(|(name, _)| *name == column)
}
