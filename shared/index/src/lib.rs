//! The index: a copy of LiteLLM's log as facts, with what makes questions about long windows cheap.
//!
//! It lies in the schema `traceability` of LiteLLM's database or of another. [`refresh`] keeps it up to date; everything
//! else only reads it. What readers rely on:
//!
//! - The schema is that of this version: another version's is as good as none, until `migrate` has brought it up to date.
//! - A row that the log no longer has stays as it is, whichever version's projection has made it; any other one is copied
//!   again when the projection changes (`projection` in `facts`).
//! - A fact is in the index once; the row of its session is written in the same transaction. It is stored narrow: `facts` refers
//!   to what many have in common, and the view `requests` shows all with the columns of the projection.
//! - Roll-ups exist up to [`Index::rolled_until`]. Those of a slot, a quarter of an hour, are the sums of its facts, unless
//!   the slot is marked as stale in the same transaction that changed a fact of it. What is newer, stale, or not a whole slot
//!   is summed from the facts. So whatever the indexer has done so far, every answer is right.
//! - A grouping need not have the roll-ups of all levels: [`Index::levels`] says which it has when.

pub mod dimensions;
pub mod histogram;
mod levels;
pub mod names;
pub mod refresh;
mod schema;
pub mod source;
mod span;
mod window_plan;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgExecutor};

pub use levels::{LevelSet, RollupLevels};
pub use schema::{Migration, MigrationError, OnlyCopy, SCHEMA, migrate, only_copy, stop_use, undo};
pub use span::{Level, Slot, Span};
pub use window_plan::WindowPlan;

/// How far the index is.
#[derive(Debug, Clone)]
pub struct Index {
    /// The requests that LiteLLM's log held at this instant are in the index.
    pub as_of: DateTime<Utc>,
    /// Up to here there are roll-ups.
    pub rolled_until: Slot,
    /// Before that, these slots have roll-ups that are out of date; ascending.
    pub stale: Vec<Slot>,
    /// Which levels of roll-ups the groupings have.
    pub levels: RollupLevels,
}

#[derive(FromRow)]
struct State {
    as_of: Option<DateTime<Utc>>,
    rolled_until: Option<i32>,
    stale: Vec<i32>,
    levels: Json<RollupLevels>,
}

impl Index {
    /// Whether this database has the schema as this version makes it, and the role may read it.
    ///
    /// # Errors
    /// Whatever the database reports.
    pub async fn exists<C>(conn: &mut C) -> sqlx::Result<bool>
    where
        for<'c> &'c mut C: PgExecutor<'c>,
    {
        let may_read: bool = sqlx::query_scalar(
            "SELECT bool_and(COALESCE(has_table_privilege(to_regclass('traceability.' || t.name), 'SELECT'), false)) \
             FROM unnest(ARRAY['migrations', 'state', 'requests']) AS t(name)",
        )
        .fetch_one(&mut *conn)
        .await?;
        if !may_read {
            return Ok(false);
        }
        let is_of_this_version = format!("SELECT {}", schema::IS_OF_THIS_VERSION);
        sqlx::query_scalar(AssertSqlSafe(is_of_this_version)).bind(schema::checksum()).fetch_one(conn).await
    }

    /// The index as it stands; `None` until it has all of the log, and where another version has made it meanwhile.
    ///
    /// # Errors
    /// Whatever the database reports.
    pub async fn read(conn: impl PgExecutor<'_>) -> sqlx::Result<Option<Self>> {
        let sql = format!(
            "SELECT s.as_of, s.rolled_until, ARRAY(SELECT quarter FROM traceability.stale ORDER BY quarter) AS stale, \
             s.rollup_levels AS levels FROM traceability.state s WHERE s.ready AND {}",
            schema::IS_OF_THIS_VERSION
        );
        let state: Option<State> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(schema::checksum()).fetch_optional(conn).await?;
        Ok(state.and_then(|state| {
            Some(Self {
                as_of: state.as_of?,
                rolled_until: Slot(state.rolled_until?),
                stale: state.stale.into_iter().map(Slot).collect(),
                levels: state.levels.0,
            })
        }))
    }
}
