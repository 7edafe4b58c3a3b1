//! The log that is asked about: filled once, and looked through for parameters.

use std::error::Error;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use local::generate::{Generation, generate, progress_bar};
use local::sample;
use sqlx::{Connection, PgConnection};
use traceability_core::dimension::Dimension;
use traceability_core::environment::Environment;
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::config::DatabaseConfig;
use traceability_facts::absent::UNKNOWN;
use traceability_queries::Source;
use traceability_queries::analytics::{AgentPerformance, Question, View, report};
use traceability_queries::filter::RequestFilter;
use traceability_queries::source::{Database, SourceConnection};
use url::Url;

use crate::keys;

/// The database of the bench.
const DATABASE: &str = "traceability_bench";

/// The log, and two connections to it.
pub struct Data {
    url: Url,
    admin: PgConnection,
    connection: SourceConnection,
    /// The end of the log: just after its newest request ended.
    pub until: DateTime<Utc>,
    /// What it is like.
    pub facts: Facts,
}

/// What the log is like.
#[derive(Debug, sqlx::FromRow)]
pub struct Facts {
    /// The server's release.
    pub server: String,
    /// The server's `shared_buffers`.
    pub shared_buffers: String,
    /// Requests.
    pub rows: i64,
    /// Sessions.
    pub sessions: i64,
    /// Requests of the session in the middle.
    pub median_session: i32,
    /// Requests of a session that 99 in 100 do not exceed.
    pub p99_session: i32,
    /// Requests of the largest session.
    pub largest_session: i64,
    /// The table with its indexes and payloads, as PostgreSQL writes sizes.
    pub total_size: String,
    /// The rows without payloads.
    pub heap_size: String,
    /// The indexes.
    pub index_size: String,
}

/// Parameters from the log, in an order that has nothing to do with time or place.
pub struct Drawn {
    /// Any sessions.
    pub sessions: Vec<String>,
    /// Sessions of the largest size there is.
    pub largest_sessions: Vec<String>,
    /// Any requests.
    pub requests: Vec<String>,
    /// Users of the window.
    pub users: Vec<String>,
    /// Agents of the window's last day.
    pub agents: Vec<String>,
}

/// So many that a measurement hardly meets one twice.
const DRAWN: i64 = 20_000;

impl Data {
    /// Creates the database if it is missing and adds the rows that are missing.
    pub async fn prepare(server: &Url, rows: u64) -> Result<Self, Box<dyn Error>> {
        let mut url = server.clone();
        url.set_path(DATABASE);
        create(server, DATABASE).await?;
        let mut admin = PgConnection::connect(url.as_str()).await?;
        let until = fill(&mut admin, rows).await?;
        let facts = sqlx::query_as(FACTS).fetch_one(&mut admin).await?;
        let connection = connect(&url).await?;
        Ok(Self { url, admin, connection, until, facts })
    }

    /// Adds the keys that callers log in with.
    pub async fn add_keys(&mut self) -> sqlx::Result<()> {
        keys::add(&mut self.admin).await
    }

    /// Where the service finds the log.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// A connection with the service's own settings, to ask what the service asks.
    pub const fn connection(&mut self) -> &mut SourceConnection {
        &mut self.connection
    }

    /// Looks for parameters.
    pub async fn draw(&mut self, window: TimeWindow) -> sqlx::Result<Drawn> {
        let conn = &mut self.admin;
        let sessions = sqlx::query_scalar(SESSIONS).bind(DRAWN).fetch_all(&mut *conn).await?;
        let largest_sessions = sqlx::query_scalar(LARGEST_SESSIONS)
            .bind(self.facts.largest_session)
            .bind(DRAWN)
            .fetch_all(&mut *conn)
            .await?;
        let requests = sqlx::query_scalar(REQUESTS).bind(DRAWN).fetch_all(&mut *conn).await?;
        let users = sqlx::query_scalar(USERS)
            .bind(window.start.naive_utc())
            .bind(window.end.naive_utc())
            .fetch_all(&mut *conn)
            .await?;
        let source = Source { facts: &self.connection.facts, scope: &Scope::AllRows };
        let day = TimeWindow { start: window.end - TimeDelta::days(1), end: window.end };
        let question = Question::new(day, RequestFilter::default());
        let agents: Vec<AgentPerformance> =
            report(&mut self.connection.conn, source, &question, &[Dimension::Agent], &View::default()).await?;
        let agents = agents.into_iter().map(|agent| agent.agent_name).filter(|name| name != UNKNOWN).collect();
        Ok(Drawn { sessions, largest_sessions, requests, users, agents })
    }

    /// The processes that answer the service, if the database runs on this machine.
    pub async fn backends(&mut self) -> sqlx::Result<Vec<u32>> {
        let backends: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_all(&mut self.admin)
        .await?;
        // On another machine the same numbers would be other processes.
        let is_postgres = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("postgres"))
        };
        Ok(backends.into_iter().filter_map(|pid| u32::try_from(pid).ok()).filter(is_postgres).collect())
    }
}

/// Makes a database where there is none of this name.
pub async fn create(server: &Url, name: &str) -> sqlx::Result<()> {
    let mut conn = PgConnection::connect(server.as_str()).await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut conn)
        .await?;
    if !exists {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut conn).await?;
    }
    conn.close().await
}

/// Returns the end of the log. Rows of an earlier run keep their times: to move them up to now would write each anew,
/// and leave a table of twice the size.
async fn fill(conn: &mut PgConnection, rows: u64) -> Result<DateTime<Utc>, Box<dyn Error>> {
    if !sample::is_prepared(conn).await? {
        sample::prepare(conn, Utc::now()).await?;
    }
    let newest: NaiveDateTime =
        sqlx::query_scalar(r#"SELECT max("endTime") FROM "LiteLLM_SpendLogs""#).fetch_one(&mut *conn).await?;
    let until = newest.and_utc() + TimeDelta::minutes(1);
    let progress = progress_bar();
    generate(conn, &Generation::new(rows, until), &progress).await?;
    progress.finish_and_clear();
    sqlx::raw_sql("VACUUM ANALYZE").execute(conn).await?;
    Ok(until)
}

async fn connect(url: &Url) -> Result<SourceConnection, Box<dyn Error>> {
    // What takes longer than the service allows is still to be measured.
    let environment: Environment =
        [("DATABASE_MAX_CONNECTIONS", "1"), ("STATEMENT_TIMEOUT_MS", "28000")].into_iter().collect();
    let database = Database::new(&DatabaseConfig::with_url(url.to_string(), &environment)?)?;
    Ok(database.connect().await?)
}

const FACTS: &str = r#"
WITH sizes AS (
    SELECT count(*) AS requests FROM "LiteLLM_SpendLogs" GROUP BY COALESCE(NULLIF(session_id, ''), request_id)
)
SELECT current_setting('server_version') AS server, current_setting('shared_buffers') AS shared_buffers,
       sum(requests)::bigint AS rows, count(*) AS sessions,
       (percentile_disc(0.5) WITHIN GROUP (ORDER BY requests))::int AS median_session,
       (percentile_disc(0.99) WITHIN GROUP (ORDER BY requests))::int AS p99_session,
       max(requests) AS largest_session,
       pg_size_pretty(pg_total_relation_size('"LiteLLM_SpendLogs"')) AS total_size,
       pg_size_pretty(pg_relation_size('"LiteLLM_SpendLogs"')) AS heap_size,
       pg_size_pretty(pg_indexes_size('"LiteLLM_SpendLogs"')) AS index_size
FROM sizes"#;

const SESSIONS: &str = r#"
SELECT id FROM (SELECT DISTINCT COALESCE(NULLIF(session_id, ''), request_id) AS id FROM "LiteLLM_SpendLogs") s
ORDER BY md5(id) LIMIT $1"#;

const LARGEST_SESSIONS: &str = r#"
SELECT id FROM (SELECT COALESCE(NULLIF(session_id, ''), request_id) AS id FROM "LiteLLM_SpendLogs") s
GROUP BY id HAVING count(*) = $1 ORDER BY md5(id) LIMIT $2"#;

const REQUESTS: &str = r#"SELECT request_id FROM "LiteLLM_SpendLogs" ORDER BY md5(request_id) LIMIT $1"#;

const USERS: &str = r#"
SELECT id FROM (SELECT DISTINCT "user" AS id FROM "LiteLLM_SpendLogs"
                WHERE "startTime" >= $1 AND "startTime" < $2 AND "user" <> '') u
ORDER BY md5(id)"#;
