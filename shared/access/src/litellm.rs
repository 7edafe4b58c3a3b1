//! What a caller with a LiteLLM key may see: what LiteLLM itself would let it see.

use chrono::{DateTime, Utc};
use traceability_core::scope::{OwnRows, Scope};
use traceability_litellm::keys::KeyRecord;

use super::service_keys::hash_of;
use super::{ContentAccess, Login, Principal};

/// Why a key opens nothing. For the log: the caller is told nothing of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// LiteLLM knows no such key.
    #[error("unknown key")]
    Unknown,
    /// Its time is over.
    #[error("expired key")]
    Expired,
    /// Somebody blocked it or its team.
    #[error("blocked key")]
    Blocked,
    /// It is for calling models, or for other routes than those that read logs.
    #[error("key without the right to read logs")]
    NotForLogs,
}

/// A key as LiteLLM keeps it, and as the settings have service keys: its SHA-256, in hexadecimal digits.
#[must_use]
pub fn hash(key: &str) -> String {
    hex::encode(hash_of(key))
}

/// Routes, and groups of routes, that let a key read logs.
const LOG_ROUTES: [&str; 5] =
    ["/spend/logs", "/spend/logs/*", "/spend/*", "spend_tracking_routes", "management_routes"];

/// Judges a key as LiteLLM does before it shows logs: who it is, and until when, where the key has an end.
///
/// # Errors
/// [`Denied`].
pub fn principal(
    key: KeyRecord,
    content: ContentAccess,
    now: DateTime<Utc>,
) -> Result<(Principal, Option<DateTime<Utc>>), Denied> {
    if key.blocked {
        return Err(Denied::Blocked);
    }
    let end = key.expires.map(|expires| expires.and_utc());
    if end.is_some_and(|end| end <= now) {
        return Err(Denied::Expired);
    }
    let for_models = key.key_type.as_deref() == Some("llm_api");
    let elsewhere =
        !key.allowed_routes.is_empty() && !key.allowed_routes.iter().any(|route| LOG_ROUTES.contains(&route.as_str()));
    if for_models || elsewhere {
        return Err(Denied::NotForLogs);
    }
    let is_admin = matches!(key.user_role.as_deref(), Some("proxy_admin" | "proxy_admin_viewer"));
    let scope = match &key.user_id {
        _ if is_admin => Scope::AllRows,
        Some(user) => {
            let teams = match key.user_role.as_deref() {
                Some("team" | "customer" | "org_admin") => Vec::new(),
                _ => key.readable_teams,
            };
            Scope::Own(OwnRows::default().of_users([user.clone()]).of_teams(teams))
        }
        // Without a user a key has no rows of its own, whatever its team.
        None => Scope::Own(OwnRows::default()),
    };
    let content = content.right(is_admin, key.user_id.as_deref());
    let name = key.user_id.unwrap_or_else(|| "(no user)".into());
    let key = key.key_alias.unwrap_or_else(|| key.token.chars().take(8).collect());
    Ok((Principal { login: Login::LitellmKey, name, key: Some(key), scope, content }, end))
}
