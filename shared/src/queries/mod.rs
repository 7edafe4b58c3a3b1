//! All SQL over facts: free functions that take a connection, the projection, the caller's scope and typed
//! parameters, and return typed rows.

pub mod analytics;
pub mod content;
pub mod filter;
pub mod health;
pub mod real_ids;
pub mod reports;
pub mod requests;
pub mod sessions;

use sqlx::{Postgres, QueryBuilder};

use crate::access::Scope;
use crate::facts::{Fact, Facts, Rows};

/// What every query is written over: the projection of this database, and the rows the caller may see.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The projection.
    pub facts: &'a Facts,
    /// The caller's rows.
    pub scope: &'a Scope,
}

impl Source<'_> {
    /// Appends `(…) AS alias` with the named facts.
    fn push(&self, sql: &mut QueryBuilder<Postgres>, alias: &str, facts: &[Fact], rows: Rows<'_>) {
        self.facts.push_source(sql, alias, facts, rows, self.scope);
    }
}
