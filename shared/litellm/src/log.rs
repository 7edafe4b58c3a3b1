//! Facts over LiteLLM's own log.

use chrono::TimeDelta;
use sqlx::{PgExecutor, Postgres, QueryBuilder};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::DbError;
use traceability_facts::scope::Owners;
use traceability_facts::scope::ScopeSql;
use traceability_facts::{Beside, Conditions, Fact, RowSelector};

use super::bounds;
use super::probe::Schema;
use super::projection::{self, Expression};
use super::tables::{KEYS, SPEND_LOGS, TEAMS};
use super::{key_hash, tool_calls, unbilled};

/// The projection for the database at hand.
#[derive(Debug, Clone)]
pub struct Log {
    pub(super) schema: Schema,
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

impl Log {
    /// Asks the database which of LiteLLM's columns it has.
    ///
    /// # Errors
    /// [`DbError`] when there is no readable log table.
    pub async fn probe(conn: impl PgExecutor<'_>, paths: &NamePaths) -> Result<Self, DbError> {
        let schema = Schema::probe(conn).await?;
        let expressions = projection::expressions(&schema, paths);
        Ok(Self { schema, expressions })
    }

    /// Whether the other one is of a database with the same columns.
    #[must_use]
    pub fn has_schema_of(&self, other: &Self) -> bool {
        self.schema == other.schema
    }

    /// Appends `(SELECT …)`: the named facts, and what is asked for beside them, of the rows that the caller may see.
    ///
    /// PostgreSQL pulls this subquery up into the query around it, also where it is named in a `WITH` and read once, so that a
    /// condition on `started_at` uses LiteLLM's time index as if it stood on the column itself.
    pub fn push_requests(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        facts: &[Fact],
        beside: Beside,
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        let mut columns = self.columns(facts, rows);
        columns.extend(self.columns_beside(beside));
        let unpacks = matches!(beside, Beside::Content | Beside::Record)
            || facts.iter().any(|fact| self.expression(*fact).unpacks)
            || scope.asks_for_agents() && self.expression(Fact::AgentName).unpacks;
        let counts = facts.iter().any(|fact| matches!(fact, Fact::ToolCalls | Fact::Tools));
        sql.push("(SELECT ").push(columns.join(", "));
        self.push_from(sql, From { unpacks, counts }, rows);
        let mut conditions = Conditions::new(sql);
        self.push_rows(&mut conditions, rows);
        // The bare columns, whose indexes answer, where LiteLLM has any.
        let agent = &self.expression(Fact::AgentName).sql;
        scope.push(&mut conditions, &Owners { user: r#"s."user""#, team: "s.team_id", agent });
        sql.push(")");
    }

    fn columns(&self, facts: &[Fact], rows: RowSelector<'_>) -> Vec<String> {
        let sql = |fact: Fact| match (fact, rows) {
            // What they are ordered by has to be the column, for its index to do that.
            (Fact::StartedAt, RowSelector::Started(window) | RowSelector::StartedInSessions { window, .. }) => {
                bounds::started_at(window)
            }
            (Fact::StartedAt, RowSelector::StartedIn(_)) => r#"s."startTime""#.into(),
            (Fact::ToolCalls, RowSelector::Started(_)) => tool_calls::count_joined(&self.schema),
            (Fact::Tools, RowSelector::Started(_)) => tool_calls::names_joined(&self.schema),
            _ => self.expression(fact).sql.clone(),
        };
        facts.iter().map(|fact| format!("{} AS {}", sql(*fact), fact.name())).collect()
    }

    /// What is asked for beside facts, over the log row `s` and its unpacked payload `p`.
    fn columns_beside(&self, beside: Beside) -> Vec<String> {
        match beside {
            Beside::Nothing => Vec::new(),
            Beside::Content => vec![self.content()],
            Beside::Record => vec![self.content(), Self::record()],
            Beside::UnbilledCost => vec![unbilled::UNBILLED_COST.into()],
        }
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

    /// A query for the hashes of the virtual keys with these aliases, by the key table; `None` where that is not readable.
    #[must_use]
    pub fn keys_called(&self, aliases: &[String]) -> Option<QueryBuilder<Postgres>> {
        if !self.schema.table_has(KEYS, "key_alias") {
            return None;
        }
        let mut sql = QueryBuilder::new(format!(r#"SELECT l.token FROM "{KEYS}" l WHERE l.key_alias = ANY("#));
        sql.push_bind(aliases.to_vec()).push(") AND ").push(key_hash::is_safe("l.token")).push(" ORDER BY l.token");
        Some(sql)
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
    fn push_from(&self, sql: &mut QueryBuilder<Postgres>, from: From, rows: RowSelector<'_>) {
        sql.push(format!(r#" FROM "{SPEND_LOGS}" s"#));
        if let RowSelector::Started(window) = rows
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

    /// The conditions that pick the rows, in the form that LiteLLM's indexes answer.
    fn push_rows(&self, conditions: &mut Conditions<'_>, rows: RowSelector<'_>) {
        match rows {
            RowSelector::All => {}
            RowSelector::Started(window) => bounds::push_started(conditions, window),
            RowSelector::StartedInSessions { window, sessions } => {
                bounds::push_started(conditions, window);
                self.push_session(conditions.and(), |sql| {
                    sql.push("ANY(").push_bind(sessions.to_vec()).push(")");
                });
            }
            RowSelector::Session(id) => self.push_session(conditions.and(), |sql| {
                sql.push_bind(id.to_owned());
            }),
            RowSelector::SessionOf(column) => self.push_session(conditions.and(), |sql| {
                sql.push(column);
            }),
            RowSelector::Request(id) => {
                conditions.and().push("s.request_id = ").push_bind(id.to_owned());
            }
            RowSelector::Call(id) if self.schema.has("litellm_call_id") => {
                conditions.and().push("s.litellm_call_id = ").push_bind(id.to_owned());
            }
            RowSelector::Call(_) => {
                conditions.and().push("false");
            }
            RowSelector::Requests(ids) => {
                conditions.and().push("s.request_id = ANY(").push_bind(ids.to_vec()).push(")");
            }
            RowSelector::StartedIn(windows) => RowSelector::push_windows(r#"s."startTime""#, windows, conditions),
        }
    }

    /// `session_id = key`, or the request's own id where no session is stored: two index look-ups, where the projected
    /// `COALESCE` would be a scan. An empty `session_id` is none, also for the key of a request whose own id is empty.
    fn push_session(&self, sql: &mut QueryBuilder<Postgres>, key: impl Fn(&mut QueryBuilder<Postgres>)) {
        if self.schema.has("session_id") {
            sql.push("((s.session_id = ");
            key(sql);
            sql.push(" AND s.session_id <> '') OR (NULLIF(s.session_id, '') IS NULL AND s.request_id = ");
            key(sql);
            sql.push("))");
        } else {
            sql.push("s.request_id = ");
            key(sql);
        }
    }
}

/// For the indexer.
impl Log {
    /// The statement for the requests of the span `$1` to `$2` whose called tools LiteLLM names in a table of their own, and
    /// how many of them. `None` where that is not readable.
    #[must_use]
    pub fn named_tools(&self) -> Option<String> {
        tool_calls::named(&self.schema)
    }

    /// The statement that writes all facts of a window to the client, in PostgreSQL's binary format.
    #[must_use]
    pub fn copy_statement(&self, window: TimeWindow) -> String {
        // The payload is unpacked anyway: what reads the stored metadata need not do so once more.
        let unpacked = |fact| self.expression(fact).sql.replace("s.metadata", "p.metadata");
        let columns: Vec<String> = Fact::ALL
            .into_iter()
            .map(|fact| format!("({})::{} AS {}", unpacked(fact), fact.sql_type(), fact.name()))
            .collect();
        let mut from = QueryBuilder::new("");
        self.push_payload(&mut from);
        // A COPY takes no parameters; these are timestamps and nothing else.
        format!(
            r#"COPY (SELECT {} FROM "{SPEND_LOGS}" s{} WHERE {}) TO STDOUT (FORMAT binary)"#,
            columns.join(", "),
            from.sql().as_str(),
            bounds::started(&window),
        )
    }

    /// The statements for what LiteLLM calls the values of a dimension: ids and labels. None where a table is not readable.
    #[must_use]
    pub fn labels(&self) -> Vec<(&'static str, String)> {
        let tables = [("team", TEAMS, "team_id", "team_alias"), ("key", KEYS, "token", "key_alias")];
        let readable = tables.into_iter().filter(|(_, table, _, alias)| self.schema.table_has(table, alias));
        let statement = |(dimension, table, id, alias): (&'static str, &str, &str, &str)| {
            // No release stores a key itself as its token, but a row made by hand may.
            let safe = if table == KEYS { key_hash::is_safe("l.token") } else { "true".into() };
            (dimension, format!(r#"SELECT l.{id}, l.{alias} FROM "{table}" l WHERE l.{alias} <> '' AND {safe}"#))
        };
        readable.map(statement).collect()
    }
}
