//! Where a deployment keeps the names of its agents and conversations.

use std::str::FromStr;

/// A setting's JSON path: one of LiteLLM's two JSON columns, then keys, separated by dots, such as
/// `proxy_server_request.metadata.app_name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePath {
    /// `metadata` or `proxy_server_request`.
    pub column: &'static str,
    /// Letters, digits, `_`, `-`, `:` and `/` only.
    pub keys: Vec<String>,
}

/// What a path of a setting must look like.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a path: write `metadata.<key>…` or `proxy_server_request.<key>…` with letters, digits, `_`, `-`, \
     `:` or `/` in a key"
)]
pub struct InvalidNamePath(String);

impl FromStr for NamePath {
    type Err = InvalidNamePath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNamePath(text.to_owned());
        let mut segments = text.trim().split('.');
        let column = match segments.next() {
            Some("metadata") => "metadata",
            Some("proxy_server_request") => "proxy_server_request",
            _ => return Err(invalid()),
        };
        let keys: Vec<String> = segments.map(str::to_owned).collect();
        // The keys become SQL text, so only these characters are let through.
        let safe = |c: char| c.is_ascii_alphanumeric() || "_-:/".contains(c);
        if keys.is_empty() || keys.iter().any(|key| key.is_empty() || !key.chars().all(safe)) {
            return Err(invalid());
        }
        Ok(Self { column, keys })
    }
}

/// The settings that extend the carriers.
#[derive(Debug, Clone, Default)]
pub struct NamePaths {
    /// `AGENT_NAME_PATHS`.
    pub agent: Vec<NamePath>,
    /// `CONVERSATION_NAME_PATHS`.
    pub conversation: Vec<NamePath>,
}
