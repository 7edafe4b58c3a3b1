//! What a slice passes through on its way into the facts: temporary tables, or, on a cluster, tables of the schema that are
//! distributed as the facts are, since a worker sees no temporary table of the coordinator's.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// The tables of one merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staging {
    /// They are temporary.
    Single,
    /// They are the schema's, one merge at a time.
    Cluster,
}

/// All requests of the touched sessions, with the time in which a session was active: in the partitions of other months
/// nobody needs to look.
fn requests_of(touched: &str) -> String {
    format!(
        "SELECT f.session_id, f.started_at, f.ended_at, f.duration_ms, f.spend, f.prompt_tokens, f.completion_tokens, \
         f.cached_tokens, f.total_tokens, f.cache_hit, f.tool_calls, f.tool_calls_exact, f.status, f.agent_name, \
         f.conversation_name, f.user_id, f.end_user, f.team_id, f.model_group, f.model, f.tags, \
         f.api_key_hash, f.provider, f.error_class, f.tools FROM {touched} t \
         JOIN traceability.requests f ON f.session_id = t.session_id AND f.started_at >= t.since AND f.started_at <= t.until"
    )
}

/// Executes statements that find sessions in the facts, each by the key, whatever the planner takes their number for: the rest of
/// the table is many times as much.
pub(super) async fn execute_by_key(conn: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    conn.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    conn.execute("SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT").await?;
    Ok(())
}

impl Staging {
    /// That of this index.
    pub(super) async fn of(conn: &mut PgConnection) -> sqlx::Result<Self> {
        let is_cluster = "SELECT to_regclass('traceability.staging') IS NOT NULL";
        let is_cluster: bool = sqlx::query_scalar(is_cluster).fetch_one(conn).await?;
        Ok(if is_cluster { Self::Cluster } else { Self::Single })
    }

    /// The rows that the log has of a window.
    pub(super) fn slice(self) -> &'static str {
        match self {
            Self::Single => "pg_temp.staging",
            Self::Cluster => "traceability.staging",
        }
    }

    /// The facts that were replaced or taken out, and those that came late.
    pub(super) fn replaced(self) -> &'static str {
        match self {
            Self::Single => "pg_temp.altered",
            Self::Cluster => "traceability.altered",
        }
    }

    /// The requests of the touched sessions.
    pub(super) fn requests(self) -> String {
        match self {
            Self::Single => "pg_temp.requests".into(),
            Self::Cluster => format!("({})", requests_of("traceability.touched")),
        }
    }

    /// How a part of a statement is written that is read twice. Of a cluster, what is materialised goes to the coordinator.
    pub(super) fn once(self) -> &'static str {
        match self {
            Self::Single => "MATERIALIZED",
            Self::Cluster => "NOT MATERIALIZED",
        }
    }

    /// Makes the tables, empty. The rows are copied into `pg_temp.staging`, wherever they go from there.
    pub(super) async fn prepare(self, conn: &mut PgConnection) -> sqlx::Result<()> {
        if self == Self::Cluster {
            // What facts have in common is added in this transaction, and then joined: each server has to do both on one connection.
            conn.execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'").await?;
        }
        conn.execute(
            "CREATE TEMPORARY TABLE staging ON COMMIT DROP AS SELECT * FROM traceability.requests WITH NO DATA; \
             CREATE TEMPORARY TABLE altered ON COMMIT DROP AS SELECT * FROM traceability.requests WITH NO DATA",
        )
        .await?;
        Ok(())
    }

    /// Takes the copied rows to where they are merged from.
    pub(super) async fn distribute(self, conn: &mut PgConnection) -> sqlx::Result<()> {
        if self == Self::Cluster {
            conn.execute("TRUNCATE traceability.staging, traceability.altered, traceability.touched").await?;
            conn.execute("INSERT INTO traceability.staging SELECT * FROM pg_temp.staging").await?;
        }
        Ok(())
    }

    /// Finds the sessions of the slice and of what it replaced.
    pub(super) async fn touch(self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let touched = format!(
            "SELECT b.session_id, LEAST(b.since, t.session_start) AS since, GREATEST(b.until, t.last_activity) AS until \
             FROM (SELECT a.session_id, min(a.started_at) AS since, max(a.started_at) AS until \
                   FROM (SELECT session_id, started_at FROM {} \
                         UNION ALL SELECT session_id, started_at FROM {}) a GROUP BY a.session_id) b \
             LEFT JOIN traceability.sessions t ON t.session_id = b.session_id",
            self.slice(),
            self.replaced(),
        );
        let sql = match self {
            Self::Single => format!(
                "CREATE TEMPORARY TABLE touched ON COMMIT DROP AS {touched}; ANALYZE pg_temp.touched; \
                 CREATE TEMPORARY TABLE requests ON COMMIT DROP AS {}",
                requests_of("pg_temp.touched")
            ),
            Self::Cluster => format!("INSERT INTO traceability.touched (session_id, since, until) {touched}"),
        };
        execute_by_key(conn, sql).await
    }
}
