//! All SQL over facts: free functions that take a connection, the source of the rows, the caller's scope and typed
//! parameters, and return typed rows. It uses all crates below, and no HTTP.
//!
//! | modules | hold |
//! |---|---|
//! | [`source`] | where rows come from: LiteLLM's log, or the index |
//! | [`filter`], [`position`] | conditions on requests, and a place in a list of them |
//! | [`sessions`], [`requests`], [`content`], [`analytics`], [`reports`] | the questions |
//! | [`keys`], [`real_ids`], [`health`] | look-ups |

pub mod analytics;
pub mod content;
pub mod filter;
pub mod health;
pub mod keys;
pub mod position;
pub mod real_ids;
pub mod reports;
pub mod requests;
pub mod sessions;
pub mod source;

use sqlx::{Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_facts::{Beside, Fact, RowSelector};

use crate::source::RequestSource;

/// What every query is written over: the projection of this database, and the rows the caller may see.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The projection.
    pub facts: &'a RequestSource,
    /// The caller's rows.
    pub scope: &'a Scope,
}

impl Source<'_> {
    /// Begins a statement with the rows that it is about: `WITH requests AS (…)`, with the named facts.
    fn requests(&self, facts: &[Fact], rows: RowSelector<'_>) -> QueryBuilder<Postgres> {
        self.requests_with(facts, Beside::Nothing, rows)
    }

    /// As [`Self::requests`], with what is read beside facts.
    fn requests_with(&self, facts: &[Fact], beside: Beside, rows: RowSelector<'_>) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("WITH ");
        self.push_requests(&mut sql, facts, beside, rows);
        sql
    }

    /// Appends `requests AS (…)` to a `WITH`: the named facts, and what is read beside them.
    fn push_requests(&self, sql: &mut QueryBuilder<Postgres>, facts: &[Fact], beside: Beside, rows: RowSelector<'_>) {
        sql.push("requests AS ");
        self.facts.push_requests(sql, facts, beside, rows, self.scope);
    }

    /// Appends `(…) AS alias` with the named facts, for rows that depend on those of an outer query.
    fn push(&self, sql: &mut QueryBuilder<Postgres>, alias: &str, facts: &[Fact], rows: RowSelector<'_>) {
        self.facts.push_requests(sql, facts, Beside::Nothing, rows, self.scope);
        sql.push(" AS ").push(alias);
    }
}
