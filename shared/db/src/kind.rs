//! The two databases.

/// Which database a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// LiteLLM's, which may have the index as well.
    Log,
    /// That of the index, where it is another.
    Index,
}
