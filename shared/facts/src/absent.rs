//! What stands for a name that a request does not have.

/// What stands for "none" where the contract wants a name.
pub const UNKNOWN: &str = "unknown";
/// What stands for "none" among tags.
pub const UNTAGGED: &str = "untagged";
/// What stands for "none" among conversations.
pub const DEFAULT_CONVERSATION: &str = "default";
