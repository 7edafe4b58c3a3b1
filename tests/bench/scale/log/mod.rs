//! A log of any size, in a database of its own: filled once, in the order in which a log grows, and kept for the next
//! run.
//!
//! The rows have the shapes of the newest release's, but are light, about a tenth of the sample's: prompts are not stored
//! (LiteLLM's default), except of the newest requests, and the metadata is without the price table of the model.

mod cast;
mod companions;
mod content;
mod draw;
mod plan;
mod row;
mod text;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, SubsecRound, Utc};
use local::generate::progress_bar;
use local::sample::RELEASE;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::mpsc;
use url::Url;

pub use self::cast::{Cast, MODELS, team, user};
pub use self::draw::Draw;
use self::plan::{Planned, plan};
pub use self::row::session_id;
use self::text::{COLUMNS, Chunk, Texts};

/// Another number for other rows: a log that an earlier version has filled is filled anew.
const VERSION: i32 = 1;

/// How many of the newest requests have what was said in them.
const WITH_CONTENT: usize = 20_000;

/// So much text is sent at a time.
const CHUNK_BYTES: usize = 4 << 20;

/// The two tables that grow with every request.
const LOGS: [&str; 2] = ["LiteLLM_SpendLogs", "LiteLLM_SpendLogToolIndex"];

/// A filled database.
#[derive(Debug, Clone)]
pub struct Log {
    /// Where it is.
    pub url: Url,
    /// How many requests it has.
    pub rows: u64,
    /// How it was filled.
    pub filled: Filled,
}

/// How a database was filled, as it remembers itself.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Filled {
    /// The end of the log.
    pub until: DateTime<Utc>,
    /// How many sessions it has.
    pub sessions: i64,
    /// Seconds that the rows took.
    pub copy_seconds: f64,
    /// Seconds that the indexes and the statistics took.
    pub index_seconds: f64,
}

impl Log {
    /// The database with so many requests, on this server.
    pub async fn prepare(server: &Url, rows: u64) -> Result<Self, Box<dyn Error>> {
        let name = format!("traceability_scale_{rows}");
        let mut url = server.clone();
        url.set_path(&name);
        if let Some(filled) = filled(&url).await? {
            return Ok(Self { url, rows, filled });
        }
        let mut admin = PgConnection::connect(server.as_str()).await?;
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
        }
        let filled = fill(&url, rows).await?;
        Ok(Self { url, rows, filled })
    }
}

/// What a filled database remembers; `None` where there is none, or none that is filled to the end and by this version.
/// Any other failure must not cost the database, and the index in it, an hour's work.
async fn filled(url: &Url) -> sqlx::Result<Option<Filled>> {
    let remembered = async {
        let mut conn = PgConnection::connect(url.as_str()).await?;
        sqlx::query_as(FILLED).bind(VERSION).fetch_optional(&mut conn).await
    };
    match remembered.await {
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| ABSENT.contains(&&*code)) => Ok(None),
        remembered => remembered,
    }
}

/// There is no such database; no such table.
const ABSENT: [&str; 2] = ["3D000", "42P01"];

async fn fill(url: &Url, rows: u64) -> Result<Filled, Box<dyn Error>> {
    let until = Utc::now().trunc_subsecs(3);
    let (tables, indexes) = statements();
    let mut conn = PgConnection::connect(url.as_str()).await?;
    sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut conn).await?;
    let cast = Arc::new(Cast::new());
    companions::add(&mut conn, &cast).await?;
    let started = Instant::now();
    let planned = plan(rows, until);
    let sessions = planned.iter().map(|request| i64::from(request.session) + 1).max().unwrap_or_default();
    copy(url, cast, planned).await?;
    let copied = Instant::now();
    eprintln!("{rows} rows: indexes and statistics");
    sqlx::raw_sql("SET maintenance_work_mem = '512MB'").execute(&mut conn).await?;
    sqlx::raw_sql(AssertSqlSafe(indexes)).execute(&mut conn).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut conn).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&mut conn).await?;
    let filled = Filled {
        until,
        sessions,
        copy_seconds: (copied - started).as_secs_f64(),
        index_seconds: copied.elapsed().as_secs_f64(),
    };
    sqlx::raw_sql(REMEMBER).execute(&mut conn).await?;
    sqlx::query("INSERT INTO bench.filled VALUES ($1, $2, $3, $4, $5)")
        .bind(VERSION)
        .bind(filled.until)
        .bind(filled.sessions)
        .bind(filled.copy_seconds)
        .bind(filled.index_seconds)
        .execute(&mut conn)
        .await?;
    Ok(filled)
}

/// The release's statements: those that come before the rows, and those that are quicker after them.
fn statements() -> (String, String) {
    let schema = RELEASE.schema();
    let (later, first): (Vec<&str>, Vec<&str>) = schema.split_inclusive(';').partition(|statement| {
        !statement.contains("CREATE TABLE") && LOGS.iter().any(|table| statement.contains(&format!("\"{table}\"")))
    });
    (first.concat(), later.concat())
}

/// Sends all rows, of each table over a connection of its own. A thread writes their text meanwhile.
async fn copy(url: &Url, cast: Arc<Cast>, planned: Vec<Planned>) -> Result<(), Box<dyn Error>> {
    let progress = progress_bar();
    progress.set_length(planned.len() as u64);
    let (sender, mut chunks) = mpsc::channel(3);
    let writer = tokio::task::spawn_blocking(move || write(&cast, &planned, &sender));
    let [mut requests, mut tools] =
        [PgConnection::connect(url.as_str()).await?, PgConnection::connect(url.as_str()).await?];
    let [log, index] = LOGS;
    // A table that was emptied in the same transaction is not written to the write-ahead log, where the server keeps no
    // more of that than it needs.
    for (conn, table) in [(&mut requests, log), (&mut tools, index)] {
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; TRUNCATE \"{table}\""))).execute(conn).await?;
    }
    let mut to_log = requests.copy_in_raw(&format!("COPY \"{log}\" ({COLUMNS}) FROM STDIN")).await?;
    let mut to_index =
        tools.copy_in_raw(&format!("COPY \"{index}\" (request_id, tool_name, start_time) FROM STDIN")).await?;
    while let Some(chunk) = chunks.recv().await {
        let Chunk { requests, tools, rows } = chunk;
        to_log.send(requests.as_bytes()).await?;
        to_index.send(tools.as_bytes()).await?;
        progress.inc(rows);
    }
    writer.await?;
    to_log.finish().await?;
    to_index.finish().await?;
    for conn in [&mut requests, &mut tools] {
        sqlx::raw_sql("COMMIT").execute(conn).await?;
    }
    progress.finish_and_clear();
    Ok(())
}

/// Writes the rows and hands them over, until nobody takes them any more.
fn write(cast: &Cast, planned: &[Planned], chunks: &mpsc::Sender<Chunk>) {
    let without_content = planned.len().saturating_sub(WITH_CONTENT);
    let mut texts = Texts::new(cast);
    let mut chunk = Chunk::default();
    for (index, request) in planned.iter().enumerate() {
        texts.add(&mut chunk, *request, index >= without_content);
        if chunk.requests.len() >= CHUNK_BYTES && chunks.blocking_send(std::mem::take(&mut chunk)).is_err() {
            return;
        }
    }
    // Whoever takes no more has an error to tell.
    let _ = chunks.blocking_send(chunk);
}

const FILLED: &str = "SELECT until, sessions, copy_seconds, index_seconds FROM bench.filled WHERE version = $1";

const REMEMBER: &str = "
CREATE SCHEMA bench;
CREATE TABLE bench.filled (
    version integer NOT NULL, until timestamptz NOT NULL, sessions bigint NOT NULL,
    copy_seconds float8 NOT NULL, index_seconds float8 NOT NULL
)";
