//! What every statement runs under: it only reads, and it has an end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use sqlx::PgExecutor;
use sqlx::postgres::PgConnectOptions;

/// Three habits of the planner do not pay here: compiling queries takes longer than they run, remembering unpacked
/// payloads by their content hashes every one of them, and grouping a month by session in the default 4 MB goes through
/// the disk. In the units of `pg_settings`.
const PLANNER: [(&str, &str); 3] = [("jit", "off"), ("enable_memoize", "off"), ("work_mem", "32768")];
/// The server ends a session that was idle for so long. A Lambda environment vanishes without a word, or stays frozen;
/// its connections would be kept for hours.
const IDLE_SESSION_TIMEOUT_MS: &str = "900000";
/// How often the server looks whether the client of a running statement is still there, in milliseconds. PostgreSQL 14
/// brought it, not every system has it, and a session that a pooler shares must not be told.
pub(super) const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "500");
/// Tells a session that was given our settings from one that a pooler made.
pub(super) const MARK: (&str, &str) = ("traceability.session", "own");

/// The settings of sessions, and of transactions where sessions are shared.
#[derive(Debug, Clone)]
pub(super) struct SessionSettings {
    pub(super) statement_timeout: Duration,
    /// Then the answer says what the matter is; a transaction through a pooler waits until its statement is too slow.
    pub(super) lock_timeout: Duration,
}

impl SessionSettings {
    fn of_statements(&self) -> Vec<(&'static str, String)> {
        let timeout = ("statement_timeout", self.statement_timeout.as_millis().to_string());
        std::iter::once(timeout).chain(PLANNER.map(|(name, value)| (name, value.to_owned()))).collect()
    }

    /// A session of our own: they travel in the startup packet and belong to this connection alone. A pooler that shares
    /// server connections would pass a later `SET` on to its other clients, LiteLLM among them; it refuses the packet
    /// instead.
    pub(super) fn for_session(&self, options: PgConnectOptions, schema: Option<&str>) -> PgConnectOptions {
        let lock_timeout = ("lock_timeout", self.lock_timeout.as_millis().to_string());
        let options = options.options(self.of_statements()).options([lock_timeout]).options([
            ("default_transaction_read_only", "on"),
            ("idle_session_timeout", IDLE_SESSION_TIMEOUT_MS),
            MARK,
        ]);
        match schema {
            Some(schema) => options.options([("search_path", schema)]),
            None => options,
        }
    }

    /// Whether a session has them: some poolers are told to ignore the packet's settings.
    pub(super) async fn are_in_force(conn: impl PgExecutor<'_>) -> sqlx::Result<bool> {
        // Unnamed: where a pooler answers, the statement would stay behind on a connection of others.
        let mark = sqlx::query_scalar("SELECT current_setting($1, true)").bind(MARK.0).persistent(false);
        let mark: Option<String> = mark.fetch_one(conn).await?;
        Ok(mark.as_deref() == Some(MARK.1))
    }

    /// The statements by which a transaction sets them for itself. Nothing that the role has already: RDS
    /// Proxy binds a client to one server connection as soon as it sets anything.
    pub(super) async fn for_transaction(
        &self,
        conn: impl PgExecutor<'_>,
        schema: Option<&str>,
    ) -> sqlx::Result<String> {
        let wanted = self.of_statements();
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        let present: Vec<(String, String)> =
            sqlx::query_as("SELECT name, setting FROM pg_settings WHERE name = ANY($1)")
                .bind(names)
                .fetch_all(conn)
                .await?;
        let present: BTreeMap<String, String> = present.into_iter().collect();
        let mut statements = String::new();
        for (name, value) in wanted {
            let has = present.get(name).map(String::as_str).unwrap_or_default();
            let shorter = name == "statement_timeout"
                && has.parse().is_ok_and(|ms: u128| (1..=self.statement_timeout.as_millis()).contains(&ms));
            if has != value && !shorter {
                let _ = write!(statements, "SET LOCAL {name} = '{value}'; ");
            }
        }
        if let Some(schema) = schema {
            let _ = write!(statements, "SET LOCAL search_path = {schema}; ");
        }
        Ok(statements)
    }
}
