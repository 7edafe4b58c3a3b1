//! Where facts come from: LiteLLM's log, or the index.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_index::{self as index, Index, source as index_source};
use traceability_litellm::Log;

/// Where facts come from, for one request to this service.
#[derive(Debug, Clone)]
pub enum RequestSource {
    /// The projection over LiteLLM's log.
    Log(Arc<Log>),
    /// The index, as it stood when the request came.
    Index(Arc<Index>),
}

impl RequestSource {
    /// Asks the database which of LiteLLM's columns it has.
    ///
    /// # Errors
    /// [`DbError`] when there is no readable log table.
    pub async fn probe(conn: impl PgExecutor<'_>, paths: &NamePaths) -> Result<Self, DbError> {
        Ok(Self::Log(Arc::new(Log::probe(conn, paths).await?)))
    }

    /// The index whose roll-ups have the sums of most windows, where that is the source. Otherwise every request is read for
    /// them.
    #[must_use]
    pub fn rollups(&self) -> Option<&Index> {
        match self {
            Self::Log(_) => None,
            Self::Index(index) => Some(index),
        }
    }

    /// Whether `traceability.sessions` has a row with the totals of each session.
    #[must_use]
    pub const fn has_session_rows(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    /// Whether it has the payload of requests: prompts, responses and metadata. What is read from there is not at hand as a
    /// column: it costs unpacking the payload of each row.
    #[must_use]
    pub const fn has_stored_content(&self) -> bool {
        matches!(self, Self::Log(_))
    }

    /// Whether it keeps requests that LiteLLM's log no longer has.
    #[must_use]
    pub const fn outlives_log(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    /// Whether it shortens long names and ids, see [`Self::stored`].
    #[must_use]
    pub const fn shortens_names(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    /// Until when it has all of the log. `None`: it is the log.
    #[must_use]
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Log(_) => None,
            Self::Index(index) => Some(index.as_of),
        }
    }

    /// A name as these facts have it: the index shortens long ones.
    #[must_use]
    pub fn stored<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self {
            Self::Log(_) => Cow::Borrowed(name),
            Self::Index(_) => index::names::stored(name),
        }
    }

    /// Appends `(SELECT …)`: the named facts, and what is asked for beside them, of the rows that the caller may see.
    pub fn push_requests(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        facts: &[Fact],
        beside: Beside,
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        match self {
            Self::Log(log) => log.push_requests(sql, facts, beside, rows, scope),
            Self::Index(_) => index_source::push_requests(sql, facts, beside, rows, scope),
        }
    }

    /// The question for a virtual key, see [`Log::key_query`]. Only LiteLLM's own database has them.
    #[must_use]
    pub fn key_query(&self, hash: &str, now: NaiveDateTime) -> Option<QueryBuilder<Postgres>> {
        match self {
            Self::Log(log) => log.key_query(hash, now),
            Self::Index(_) => None,
        }
    }

    /// SQL of the alias of the virtual key whose hash is `hash`, a column of the outer query.
    #[must_use]
    pub fn key_label(&self, hash: &str) -> String {
        match self {
            Self::Log(log) => log.key_label(hash),
            Self::Index(_) => index_source::label("key", hash),
        }
    }

    /// A query for the hashes of the virtual keys with these aliases; `None` where they cannot be read.
    #[must_use]
    pub fn keys_called(&self, aliases: &[String]) -> Option<QueryBuilder<Postgres>> {
        match self {
            Self::Log(log) => log.keys_called(aliases),
            Self::Index(_) => Some(index_source::labelled("key", aliases)),
        }
    }

    /// SQL of the alias of the team whose id is `id`, a column of the outer query.
    #[must_use]
    pub fn team_label(&self, id: &str) -> String {
        match self {
            Self::Log(log) => log.team_label(id),
            Self::Index(_) => index_source::label("team", id),
        }
    }
}
