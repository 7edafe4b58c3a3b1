//! Who is calling, and which rows they may see.

pub mod jwt;
pub mod litellm;
mod scope;

pub(crate) use scope::Owners;
pub use scope::{OwnRows, Scope};

/// A caller that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// A name for the audit: a key's alias, or a user.
    pub name: String,
    /// The rows it may see.
    pub scope: Scope,
}
