//! Who is calling, which rows they may see, and of which rows what was said. It uses `core`, `db` and `litellm`.
//!
//! [`Access`] turns what a request brings ([`Credential`]) into a [`Principal`], by the ways that `AUTH_MODE` names. A
//! principal carries its [`Scope`], which every query demands, and its [`ContentRight`], which what was said demands.
//!
//! | files | hold |
//! |---|---|
//! | `settings`, `login`, `cache` | the ways to log in |
//! | `litellm`, `service_keys`, `jwt` | one each |
//! | `content` | the right to read what was said |

mod cache;
mod content;
pub mod jwt;
pub mod litellm;
mod login;
mod service_keys;
mod settings;

use traceability_core::scope::Scope;

pub use content::{ContentAccess, ContentRight};
pub use login::{Access, Credential, KeyLookup, Refusal, fingerprint};
pub use settings::{ALLOW_ANONYMOUS, Exposure};
pub use traceability_litellm::keys::KeyRecord;

/// A caller that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How it proved that.
    pub login: Login,
    /// Who it is: LiteLLM's user, a service key's name, or the subject of a token.
    pub name: String,
    /// Of a LiteLLM key: its alias, or the first characters of its hash.
    pub key: Option<String>,
    /// The rows it may see.
    pub scope: Scope,
    /// Of which of them it may read what was said.
    pub content: ContentRight,
}

/// The ways to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// None was asked for.
    Anonymous,
    /// A virtual key of LiteLLM's.
    LitellmKey,
    /// LiteLLM's master key.
    MasterKey,
    /// A key of this service's own.
    ServiceKey,
    /// A token of the company's login.
    Token,
}

impl Principal {
    /// Tells it from every other, also where two ways to log in know the same name.
    #[must_use]
    pub fn identity(&self) -> (Login, &str, Option<&str>) {
        (self.login, &self.name, self.key.as_deref())
    }
}
