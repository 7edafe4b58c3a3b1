//! Which rows a caller may see.

use sqlx::{Postgres, QueryBuilder};

/// The rows a caller may see, decided once per request. Every query takes one, and the facts projection writes it into
/// the SQL, so that no query can be made without.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Every row of the log: the caller runs the service for itself.
    AllRows,
}

impl Scope {
    /// Appends the scope's predicate over the log row `s`.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        match self {
            Self::AllRows => sql.push("true"),
        };
    }
}
