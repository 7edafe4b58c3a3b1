//! Connecting to LiteLLM's database, and keeping connected.

use std::pin::pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::sync::RwLock;
use tokio::time::timeout;
use url::Url;

use crate::config::{ConfigError, DatabaseConfig};
use crate::facts::{Facts, FactsError, NamePaths};

/// How long a connection that was idle may take to prove that it is alive.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection is pinged before use when its last use lies this far back.
const PING_AFTER: Duration = Duration::from_secs(1);
/// For so long after a request that ran out of time, connections are checked when they come back.
const SUSPECT_FOR_MS: i64 = 5_000;

/// LiteLLM's database: a pool of read-only connections, and the projection for its schema.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    names: NamePaths,
    facts: Arc<RwLock<Option<Arc<Facts>>>>,
    /// Until when returned connections are suspected, in milliseconds of the wall clock.
    suspect_until: Arc<AtomicI64>,
}

/// One connection, with the projection to write queries over.
pub struct Session {
    /// A connection of the pool.
    pub conn: PoolConnection<Postgres>,
    /// The facts of this database.
    pub facts: Arc<Facts>,
}

impl Database {
    /// Prepares a pool. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when the URL is none.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let options = connect_options(&config.url, config.statement_timeout)?;
        let last_use = Arc::new(Mutex::new(LastUse { at_ms: i64::MIN, paused: Instant::now() }));
        let suspect_until = Arc::new(AtomicI64::new(i64::MIN));
        let suspect = Arc::clone(&suspect_until);
        // The reaper that enforces idle and life times counts by a clock that stands still while a Lambda environment
        // is frozen, so there is none: a connection is asked whether it lives when it is needed.
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(move |conn, metadata| {
                let last_use = Arc::clone(&last_use);
                Box::pin(async move { Ok(is_alive(conn, metadata.idle_for, &last_use).await) })
            })
            .after_release(move |conn, _| {
                let suspect = Arc::clone(&suspect);
                Box::pin(async move { check_returned(conn, &suspect).await })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, names: config.names.clone(), facts: Arc::default(), suspect_until })
    }

    /// A connection and the projection. The catalogue is probed on the first use only, and again after
    /// [`Self::forget_facts`].
    ///
    /// # Errors
    /// [`FactsError`] when the database cannot be reached or has no readable log table.
    pub async fn session(&self) -> Result<Session, FactsError> {
        let mut conn = self.pool.acquire().await?;
        if let Some(facts) = self.facts.read().await.as_ref() {
            return Ok(Session { conn, facts: Arc::clone(facts) });
        }
        let facts = Arc::new(Facts::probe(&mut conn, &self.names).await?);
        *self.facts.write().await = Some(Arc::clone(&facts));
        Ok(Session { conn, facts })
    }

    /// Runs what asks the database for so long at most; `None` if that was not long enough. A connection that is given up
    /// in the middle of a statement is then closed, unless it is ready again within a second: the other end may be gone
    /// without a word, and would keep its place in the pool for as long as TCP hopes.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => Some(done),
            () = tokio::time::sleep(limit) => {
                // Before the work is dropped: its connection is returned in that moment.
                self.suspect_until.store(Utc::now().timestamp_millis() + SUSPECT_FOR_MS, Ordering::Relaxed);
                None
            }
        }
    }

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        *self.facts.write().await = None;
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Asks a connection that was perhaps returned in the middle of a statement whether it is ready. An error closes it without
/// waiting for the other end.
async fn check_returned(conn: &mut PgConnection, suspect_until: &AtomicI64) -> sqlx::Result<bool> {
    if Utc::now().timestamp_millis() > suspect_until.load(Ordering::Relaxed) {
        return Ok(true);
    }
    match timeout(PING_TIMEOUT, conn.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// When the pool was last used, and since when no connection has been taken for alive unasked.
struct LastUse {
    /// By the wall clock: a monotonic one stops while a Lambda environment is frozen.
    at_ms: i64,
    /// When a pause was noticed last. A connection that was given back before lay idle in that pause.
    paused: Instant,
}

/// Asks a connection whether the server is still there, if it was idle for a while or lay in the pool while the whole
/// process paused.
async fn is_alive(conn: &mut PgConnection, idle_for: Duration, last_use: &Mutex<LastUse>) -> bool {
    if !was_paused(idle_for, last_use) && idle_for < PING_AFTER {
        return true;
    }
    matches!(timeout(PING_TIMEOUT, conn.ping()).await, Ok(Ok(())))
}

fn was_paused(idle_for: Duration, last_use: &Mutex<LastUse>) -> bool {
    let (now, now_ms) = (Instant::now(), Utc::now().timestamp_millis());
    let mut last_use = last_use.lock().unwrap_or_else(PoisonError::into_inner);
    let idle_ms = now_ms.saturating_sub(std::mem::replace(&mut last_use.at_ms, now_ms));
    if !u64::try_from(idle_ms).is_ok_and(|idle_ms| Duration::from_millis(idle_ms) < PING_AFTER) {
        last_use.paused = now;
    }
    idle_for >= now.saturating_duration_since(last_use.paused)
}

/// What every session runs under: it only reads, and every statement has an end. Three habits of the planner do not pay
/// here: compiling queries takes longer than they run, remembering unpacked payloads by their content hashes every one of
/// them, and grouping a month by session in the default 4 MB goes through the disk.
///
/// These travel in the startup packet and belong to this connection alone. A pooler that shares server connections would
/// pass a later `SET` on to its other clients, LiteLLM among them; it refuses the packet instead.
fn session_settings(statement_timeout: Duration) -> [(&'static str, String); 5] {
    [
        ("default_transaction_read_only", "on".into()),
        ("statement_timeout", format!("{}ms", statement_timeout.as_millis())),
        ("jit", "off".into()),
        ("enable_memoize", "off".into()),
        ("work_mem", "32MB".into()),
    ]
}

/// Parameters that Prisma reads from LiteLLM's `DATABASE_URL` and PostgreSQL does not know.
const PRISMA_PARAMETERS: [&str; 8] = [
    "connection_limit",
    "connect_timeout",
    "pool_timeout",
    "pgbouncer",
    "schema",
    "socket_timeout",
    "sslaccept",
    "sslidentity",
];

fn connect_options(url: &str, statement_timeout: Duration) -> Result<PgConnectOptions, ConfigError> {
    let invalid = |reason: &str| ConfigError { name: "DATABASE_URL", reason: reason.to_owned() };
    let mut url = Url::parse(url).map_err(|_| {
        invalid("is not a URL: write postgres://user:password@host:5432/database, special characters percent-encoded")
    })?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(invalid("must start with postgres:// or postgresql://"));
    }
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if parameter("pgbouncer") == Some("true") {
        return Err(invalid(
            "names a PgBouncer (pgbouncer=true), which cannot carry this service's sessions: name PostgreSQL's own port",
        ));
    }
    let (schema, verify) = (parameter("schema").map(quoted), parameter("sslaccept") == Some("strict"));
    let kept: Vec<_> = parameters.iter().filter(|(name, _)| !PRISMA_PARAMETERS.contains(&name.as_str())).collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    let options = PgConnectOptions::from_str(url.as_str())
        .map_err(|_| invalid("is not understood: write postgres://user:password@host:5432/database"))?
        .application_name("llm-traceability-api")
        .options(session_settings(statement_timeout));
    // Where Prisma was told to use another schema, LiteLLM's tables are there.
    let options = match schema {
        Some(schema) => options.options([("search_path", schema)]),
        None => options,
    };
    Ok(if verify { options.ssl_mode(PgSslMode::VerifyFull) } else { options })
}

/// A name as Prisma means it: PostgreSQL would fold its capitals.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
