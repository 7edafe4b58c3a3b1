//! The facts projection: one narrow, typed row for each row of LiteLLM's log, of whatever release.
//!
//! This is the only code that knows LiteLLM's schema. It asks the catalogue once which columns there are
//! ([`Facts::probe`]) and then yields the same fact columns from every release ([`Facts::push_source`]): a column that
//! a release lacks becomes NULL or is derived. Everything else is written over the facts' names.
//!
//! Facts are free of content; what a request said is read by [`content`] for single requests.

mod column;
pub mod content;
pub mod keys;
mod names;
mod probe;
mod projection;
mod tool_calls;

pub use column::Fact;
pub use names::{InvalidNamePath, NamePath, NamePaths};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use crate::access::{Owners, Scope};
use probe::{KEYS, SPEND_LOGS, Schema, TEAMS};
use projection::Expression;

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
    /// The role may not read what it takes to judge LiteLLM's keys.
    #[error(
        "the database role may not read LiteLLM's keys, users and teams, which AUTH_MODE=litellm needs: run GRANT SELECT ON \
         \"LiteLLM_VerificationToken\", \"LiteLLM_UserTable\", \"LiteLLM_TeamTable\", \
         \"LiteLLM_DeprecatedVerificationToken\" TO the role of DATABASE_URL"
    )]
    KeysUnreadable,
    /// The catalogue could not be asked.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
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
}

/// The projection for the database at hand.
#[derive(Debug, Clone)]
pub struct Facts {
    schema: Schema,
    expressions: Vec<(Fact, Expression)>,
}

/// What a source needs beside the log row.
#[derive(Clone, Copy)]
struct From {
    /// The unpacked payload.
    unpacks: bool,
    /// The called tools, by LiteLLM's index.
    counts: bool,
}

/// LiteLLM's index notes a request's start up to a millisecond apart from the log.
const AROUND: TimeDelta = TimeDelta::hours(1);

impl Facts {
    /// Asks the database which of LiteLLM's columns it has.
    ///
    /// # Errors
    /// [`FactsError`] when there is no readable log table.
    pub async fn probe(conn: impl PgExecutor<'_>, paths: &NamePaths) -> Result<Self, FactsError> {
        let schema = Schema::probe(conn).await?;
        let expressions = projection::expressions(&schema, paths);
        Ok(Self { schema, expressions })
    }

    /// Whether the facts lie in an index of the service's own, which answers without reading the log.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        false
    }

    /// Appends a `FROM` item `(…) AS alias` with the named facts of the rows that the caller may see.
    ///
    /// PostgreSQL pulls this subquery up into the query around it, so that a condition on `started_at` uses LiteLLM's
    /// time index as if it stood on the column itself.
    pub fn push_source(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: Rows<'_>,
        scope: &Scope,
    ) {
        let unpacks = facts.iter().any(|fact| self.expression(*fact).unpacks);
        let columns = self.columns(facts, rows);
        let counts = facts.iter().any(|fact| matches!(fact, Fact::ToolCalls | Fact::Tools));
        self.push_select(sql, &columns, From { unpacks, counts }, rows, scope);
        sql.push(" AS ").push(alias);
    }

    /// As [`Self::push_source`], with further columns over the log row `s` and its unpacked payload `p`.
    fn push_extended(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        columns: &str,
        rows: Rows<'_>,
        scope: &Scope,
    ) {
        let columns = format!("{}, {columns}", self.columns(facts, rows));
        let counts = facts.iter().any(|fact| matches!(fact, Fact::ToolCalls | Fact::Tools));
        self.push_select(sql, &columns, From { unpacks: true, counts }, rows, scope);
        sql.push(" AS ").push(alias);
    }

    fn columns(&self, facts: &[Fact], rows: Rows<'_>) -> String {
        let sql = |fact: Fact| match (fact, rows) {
            (Fact::ToolCalls, Rows::Started(_)) => tool_calls::count_joined(&self.schema),
            (Fact::Tools, Rows::Started(_)) => tool_calls::names_joined(&self.schema),
            _ => self.expression(fact).sql.clone(),
        };
        let columns: Vec<String> = facts.iter().map(|fact| format!("{} AS {}", sql(*fact), fact.name())).collect();
        columns.join(", ")
    }

    fn push_select(&self, sql: &mut QueryBuilder<Postgres>, columns: &str, from: From, rows: Rows<'_>, scope: &Scope) {
        let unpacks = from.unpacks || scope.asks_for_agents() && self.expression(Fact::AgentName).unpacks;
        let from = From { unpacks, ..from };
        sql.push("(SELECT ").push(columns);
        self.push_from(sql, from, rows);
        self.push_rows(sql, rows);
        sql.push(" AND ");
        // The bare columns, whose indexes answer, where LiteLLM has any.
        let agent = &self.expression(Fact::AgentName).sql;
        scope.push(sql, &Owners { user: r#"s."user""#, team: "s.team_id", agent });
        sql.push(")");
    }

    /// SQL of the alias of the virtual key whose hash is `hash`, a column of the outer query, by the key table.
    #[must_use]
    pub fn key_label(&self, hash: &str) -> String {
        self.label(KEYS, "key_alias", "token", hash)
    }

    /// SQL of the alias of the team whose id is `id`, a column of the outer query, by the team table.
    #[must_use]
    pub fn team_label(&self, id: &str) -> String {
        self.label(TEAMS, "team_alias", "team_id", id)
    }

    fn label(&self, table: &str, alias: &str, key: &str, outer: &str) -> String {
        if self.schema.table_has(table, alias) {
            format!(r#"(SELECT NULLIF(l.{alias}, '') FROM "{table}" l WHERE l.{key} = {outer})"#)
        } else {
            "NULL::text".into()
        }
    }

    fn expression(&self, fact: Fact) -> &Expression {
        // `expressions` is made from `Fact::ALL`, whose order is the enum's.
        &self.expressions[fact as usize].1
    }

    /// The log row as `s` with what belongs to it.
    fn push_from(&self, sql: &mut QueryBuilder<Postgres>, from: From, rows: Rows<'_>) {
        sql.push(format!(r#" FROM "{SPEND_LOGS}" s"#));
        if let Rows::Started(window) = rows
            && from.counts
        {
            tool_calls::push_join(sql, &self.schema, window.start - AROUND, window.end + AROUND);
        }
        if from.unpacks {
            self.push_payload(sql);
        }
    }

    /// The unpacked payload as `p`.
    fn push_payload(&self, sql: &mut QueryBuilder<Postgres>) {
        // Each mention of a stored JSON column decompresses all of it again. Concatenating the empty object returns the
        // decompressed value as it is, and OFFSET 0 keeps the planner from undoing that: once per row, not once per path.
        let request = if self.schema.has("proxy_server_request") {
            "s.proxy_server_request || '{}'::jsonb"
        } else {
            "NULL::jsonb"
        };
        sql.push(format!(
            " CROSS JOIN LATERAL (SELECT s.metadata || '{{}}'::jsonb AS metadata, {request} AS proxy_server_request OFFSET 0) p"
        ));
    }

    /// The condition that picks the rows, in the form that LiteLLM's indexes answer.
    fn push_rows(&self, sql: &mut QueryBuilder<Postgres>, rows: Rows<'_>) {
        sql.push(" WHERE ");
        match rows {
            Rows::All => {
                sql.push("true");
            }
            Rows::Started(window) => {
                // The bare column, so that the time index answers; Prisma's timestamps are UTC without saying so.
                sql.push(r#"s."startTime" >= "#).push_bind(window.start.naive_utc());
                sql.push(r#" AND s."startTime" < "#).push_bind(window.end.naive_utc());
            }
            Rows::Session(id) => self.push_session(sql, |sql| {
                sql.push_bind(id.to_owned());
            }),
            Rows::SessionOf(column) => self.push_session(sql, |sql| {
                sql.push(column);
            }),
            Rows::Request(id) => {
                sql.push("s.request_id = ").push_bind(id.to_owned());
            }
            Rows::Call(id) if self.schema.has("litellm_call_id") => {
                sql.push("s.litellm_call_id = ").push_bind(id.to_owned());
            }
            Rows::Call(_) => {
                sql.push("false");
            }
        }
    }

    /// `session_id = key`, or the request's own id where no session is stored: two index look-ups, where the projected
    /// `COALESCE` would be a scan.
    fn push_session(&self, sql: &mut QueryBuilder<Postgres>, key: impl Fn(&mut QueryBuilder<Postgres>)) {
        if self.schema.has("session_id") {
            sql.push("(s.session_id = ");
            key(sql);
            sql.push(" OR (NULLIF(s.session_id, '') IS NULL AND s.request_id = ");
            key(sql);
            sql.push("))");
        } else {
            sql.push("s.request_id = ");
            key(sql);
        }
    }
}
