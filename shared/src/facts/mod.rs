//! The facts projection: one narrow, typed row for each request, of whatever release of LiteLLM.
//!
//! There are two ways to have facts, and what is written over them does not know which one it runs on:
//!
//! - [`direct`]: a projection inlined over LiteLLM's log. Only it, and its helpers here, know LiteLLM's schema; a column that
//!   a release lacks becomes NULL or is derived.
//! - [`indexed`]: the table that the indexer has filled with the same projection.
//!
//! Facts are free of content; what a request said is read by [`content`] for single requests.

pub(crate) mod bounds;
mod call_paths;
mod column;
pub mod content;
mod direct;
mod indexed;
pub mod key_hash;
pub mod keys;
mod lost;
mod names;
mod probe;
mod projection;
mod quality;
mod tool_calls;
mod types;
mod unpacked;

pub use column::Fact;
pub use direct::Direct;
pub use names::{InvalidNamePath, NamePath, NamePaths};
pub use projection::PROJECTION;
pub use quality::{FLAGS, Flag, SHARES_CALL_ID};

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use crate::access::Scope;
use crate::db::{DatabaseKind, Work};
use crate::index::{self, Index};

/// Why there are no facts in this database.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The log table does not exist where the connection looks.
    #[error(
        "the database has no table \"LiteLLM_SpendLogs\": check that DATABASE_URL names LiteLLM's database (and its \
         schema, `?schema=`), and that LiteLLM has run its migrations"
    )]
    TableMissing,
    /// The role may not read the log table.
    #[error(
        "the database role may not read \"LiteLLM_SpendLogs\": run GRANT SELECT ON \"LiteLLM_SpendLogs\" TO the role \
         of DATABASE_URL"
    )]
    NotReadable,
    /// A column is missing that every release of LiteLLM has.
    #[error("\"LiteLLM_SpendLogs\" has no column \"{0}\", which every release of LiteLLM has: is it LiteLLM's table?")]
    ColumnMissing(&'static str),
    /// A column has a type that no release of LiteLLM gives it, and that cannot be read as one.
    #[error(
        "the column \"{column}\" of \"LiteLLM_SpendLogs\" has the type {found}, but every release of LiteLLM gives it \
         {expected}: is it LiteLLM's table?"
    )]
    ColumnType {
        /// The column.
        column: &'static str,
        /// Its type, as PostgreSQL writes it.
        found: String,
        /// The type that LiteLLM gives it.
        expected: &'static str,
    },
    /// The role may not read what it takes to judge LiteLLM's keys.
    #[error(
        "the database role may not read LiteLLM's keys, users and teams, which AUTH_MODE=litellm needs: run GRANT SELECT ON \
         \"LiteLLM_VerificationToken\", \"LiteLLM_UserTable\", \"LiteLLM_TeamTable\", \
         \"LiteLLM_DeprecatedVerificationToken\" TO the role of DATABASE_URL"
    )]
    KeysUnreadable,
    /// The caller's other questions hold as many connections as one caller may have.
    #[error("one caller's questions hold their share of the connections")]
    CallerBusy,
    /// LiteLLM's database did not do its part.
    #[error(transparent)]
    Database(sqlx::Error),
    /// The database of the index, which is another one, did not do its part.
    #[error(transparent)]
    IndexDatabase(sqlx::Error),
}

impl From<sqlx::Error> for FactsError {
    /// Of the database whose statement failed last.
    fn from(error: sqlx::Error) -> Self {
        match Work::failed_at() {
            DatabaseKind::Log => Self::Database(error),
            DatabaseKind::Index => Self::IndexDatabase(error),
        }
    }
}

impl FactsError {
    /// The same error, of this database.
    pub(crate) fn in_database(self, kind: DatabaseKind) -> Self {
        match (self, kind) {
            (Self::Database(error) | Self::IndexDatabase(error), DatabaseKind::Log) => Self::Database(error),
            (Self::Database(error) | Self::IndexDatabase(error), DatabaseKind::Index) => Self::IndexDatabase(error),
            (error, _) => error,
        }
    }
}

/// A half-open span of time: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeWindow {
    /// The first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it.
    pub end: DateTime<Utc>,
}

/// Which rows of the log a source is made of, beside the caller's scope. Each is answered by an
/// index of LiteLLM's, where it has one: sessions since 1.72, call ids perhaps.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// All, for a query that takes the first of them by `started_at`.
    All,
    /// The requests that started in a window.
    Started(&'a TimeWindow),
    /// The requests of one session.
    Session(&'a str),
    /// The requests of the session that a column of an outer query names.
    SessionOf(&'static str),
    /// The request with this id, which is not unique by constraint where the table is partitioned.
    Request(&'a str),
    /// The requests with this call id; none in releases that do not store it.
    Call(&'a str),
    /// The requests with these ids.
    Requests(&'a [String]),
    /// The requests that started from one column of an outer query on and before another.
    Between(&'static str, &'static str),
}

/// Where facts come from, for one request to this service.
#[derive(Debug, Clone)]
pub enum Facts {
    /// The projection over LiteLLM's log.
    Direct(Arc<Direct>),
    /// The index, as it stood when the request came.
    Indexed(Arc<Index>),
}

impl Facts {
    /// Asks the database which of LiteLLM's columns it has.
    ///
    /// # Errors
    /// [`FactsError`] when there is no readable log table.
    pub async fn probe(conn: impl PgExecutor<'_>, paths: &NamePaths) -> Result<Self, FactsError> {
        Ok(Self::Direct(Arc::new(Direct::probe(conn, paths).await?)))
    }

    /// Whether they come from the index.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        matches!(self, Self::Indexed(_))
    }

    /// The index, where there is one.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        match self {
            Self::Direct(_) => None,
            Self::Indexed(index) => Some(index),
        }
    }

    /// A name as these facts have it: the index shortens long ones.
    #[must_use]
    pub fn stored<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self {
            Self::Direct(_) => Cow::Borrowed(name),
            Self::Indexed(_) => index::names::stored(name),
        }
    }

    /// Appends a `FROM` item `(…) AS alias` with the named facts of the rows that the caller may see.
    ///
    /// PostgreSQL pulls this subquery up into the query around it, so that a condition on `started_at` uses the
    /// time index as if it stood on the column itself.
    pub fn push_source(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: Rows<'_>,
        scope: &Scope,
    ) {
        match self {
            Self::Direct(direct) => direct.push_source(sql, alias, facts, rows, scope),
            Self::Indexed(_) => indexed::push_source(sql, alias, facts, "", rows, scope),
        }
    }

    /// The question for a virtual key, see [`Direct::key_query`]. Only LiteLLM's own database has them.
    #[must_use]
    pub fn key_query(&self, hash: &str, now: NaiveDateTime) -> Option<QueryBuilder<Postgres>> {
        match self {
            Self::Direct(direct) => direct.key_query(hash, now),
            Self::Indexed(_) => None,
        }
    }

    /// SQL of the alias of the virtual key whose hash is `hash`, a column of the outer query.
    #[must_use]
    pub fn key_label(&self, hash: &str) -> String {
        match self {
            Self::Direct(direct) => direct.key_label(hash),
            Self::Indexed(_) => indexed::label("key", hash),
        }
    }

    /// SQL of the alias of the team whose id is `id`, a column of the outer query.
    #[must_use]
    pub fn team_label(&self, id: &str) -> String {
        match self {
            Self::Direct(direct) => direct.team_label(id),
            Self::Indexed(_) => indexed::label("team", id),
        }
    }
}
