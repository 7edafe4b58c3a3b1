//! The names of LiteLLM's tables.

/// LiteLLM's log table.
pub(super) const SPEND_LOGS: &str = "LiteLLM_SpendLogs";
/// Names of called tools, kept even where content is not (since February 2026).
pub(super) const TOOL_INDEX: &str = "LiteLLM_SpendLogToolIndex";
/// The registry that gives an agent id its name.
pub(super) const AGENTS: &str = "LiteLLM_AgentsTable";
/// Virtual keys with their aliases.
pub(super) const KEYS: &str = "LiteLLM_VerificationToken";
/// Teams with their aliases.
pub(super) const TEAMS: &str = "LiteLLM_TeamTable";
/// LiteLLM's users with their roles.
pub(super) const USERS: &str = "LiteLLM_UserTable";
/// Keys that a rotation replaced, until they end.
pub(super) const DEPRECATED_KEYS: &str = "LiteLLM_DeprecatedVerificationToken";
