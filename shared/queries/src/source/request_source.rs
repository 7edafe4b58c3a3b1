//! Where facts come from: LiteLLM's log, or the index.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDateTime;
use sqlx::{PgExecutor, Postgres, QueryBuilder};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_facts::{Fact, RowSelector};
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

    /// Whether they come from the index.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    /// The index, where there is one.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        match self {
            Self::Log(_) => None,
            Self::Index(index) => Some(index),
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

    /// Appends a `FROM` item `(…) AS alias` with the named facts of the rows that the caller may see.
    ///
    /// PostgreSQL pulls this subquery up into the query around it, so that a condition on `started_at` uses the
    /// time index as if it stood on the column itself.
    pub fn push_source(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        match self {
            Self::Log(direct) => direct.push_source(sql, alias, facts, rows, scope),
            Self::Index(_) => index_source::push_source(sql, alias, facts, "", rows, scope),
        }
    }

    /// The question for a virtual key, see [`Log::key_query`]. Only LiteLLM's own database has them.
    #[must_use]
    pub fn key_query(&self, hash: &str, now: NaiveDateTime) -> Option<QueryBuilder<Postgres>> {
        match self {
            Self::Log(direct) => direct.key_query(hash, now),
            Self::Index(_) => None,
        }
    }

    /// SQL of the alias of the virtual key whose hash is `hash`, a column of the outer query.
    #[must_use]
    pub fn key_label(&self, hash: &str) -> String {
        match self {
            Self::Log(direct) => direct.key_label(hash),
            Self::Index(_) => index_source::label("key", hash),
        }
    }

    /// SQL of the alias of the team whose id is `id`, a column of the outer query.
    #[must_use]
    pub fn team_label(&self, id: &str) -> String {
        match self {
            Self::Log(direct) => direct.team_label(id),
            Self::Index(_) => index_source::label("team", id),
        }
    }

    /// Appends a `FROM` item with the named facts and [`CONTENT_COLUMNS`]: the stored prompt and response. The index has
    /// none: the columns are NULL there.
    pub fn push_content(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        match self {
            Self::Log(direct) => direct.push_content(sql, alias, facts, rows, scope),
            Self::Index(_) => index_source::push_source(sql, alias, facts, index_source::NO_CONTENT, rows, scope),
        }
    }

    /// Appends a `FROM` item with the named facts, [`CONTENT_COLUMNS`], and what only the page of one request shows:
    /// `completion_started_at`, `cache_hit_text`, `cache_key`, `api_base`, `metadata` and `row_keys`: the keys that the row
    /// itself holds, perhaps in clear, which whoever shows the metadata has to take out of its texts.
    pub fn push_record(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        match self {
            Self::Log(direct) => direct.push_record(sql, alias, facts, rows, scope),
            Self::Index(_) => {
                let further = format!("{}{}", index_source::NO_CONTENT, index_source::NO_RECORD);
                index_source::push_source(sql, alias, facts, &further, rows, scope);
            }
        }
    }

    /// Appends a `FROM` item `(…) AS alias` with the named facts and the column `lost_cost`: what a request cost that has no
    /// `spend`; NULL for all others. Whether that is known: the index has no copy of it, the column is NULL there.
    pub fn push_with_lost_cost(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: RowSelector<'_>,
        scope: &Scope,
    ) -> bool {
        match self {
            Self::Log(direct) => direct.push_with_lost_cost(sql, alias, facts, rows, scope),
            Self::Index(_) => index_source::push_source(sql, alias, facts, ", NULL::numeric AS lost_cost", rows, scope),
        }
        !self.is_indexed()
    }
}
