//! Connecting to LiteLLM's database, and keeping connected.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use tokio::sync::RwLock;
use tokio::time::timeout;
use url::Url;

use crate::config::{ConfigError, DatabaseConfig};
use crate::facts::{Facts, FactsError, NamePaths};

/// How long a connection that was idle may take to prove that it is alive.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection is pinged before use when the last use of any lies this far back.
const PING_AFTER_MS: i64 = 1_000;

/// LiteLLM's database: a pool of read-only connections, and the projection for its schema.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    names: NamePaths,
    facts: Arc<RwLock<Option<Arc<Facts>>>>,
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
        let options = connect_options(&config.url)?;
        let last_use = Arc::new(AtomicI64::new(i64::MIN));
        let statement_timeout = config.statement_timeout.as_millis();
        // The reaper that enforces idle and life times counts by a clock that stands still while a Lambda environment
        // is frozen, so there is none: a connection is asked whether it lives when it is needed.
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(move |conn, _| {
                let last_use = Arc::clone(&last_use);
                Box::pin(async move { Ok(is_alive(conn, &last_use).await) })
            })
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    conn.execute(sqlx::AssertSqlSafe(session_settings(statement_timeout))).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, names: config.names.clone(), facts: Arc::default() })
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

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        *self.facts.write().await = None;
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Asks a connection that has been idle for a while whether the server is still there. By the wall clock: a monotonic
/// one stops while a Lambda environment is frozen.
async fn is_alive(conn: &mut PgConnection, last_use: &AtomicI64) -> bool {
    let now = Utc::now().timestamp_millis();
    let idle = now.saturating_sub(last_use.swap(now, Ordering::Relaxed));
    if (0..PING_AFTER_MS).contains(&idle) {
        return true;
    }
    matches!(timeout(PING_TIMEOUT, conn.ping()).await, Ok(Ok(())))
}

/// Every session is read-only and bounded. Two habits of the planner do not pay here: compiling queries takes longer than
/// they run, and remembering unpacked payloads by their content hashes every one of them. Grouping a month by session in the default
/// 4 MB would go through the disk.
fn session_settings(statement_timeout_ms: u128) -> String {
    format!(
        "SELECT set_config('default_transaction_read_only', 'on', false), \
                set_config('statement_timeout', '{statement_timeout_ms}ms', false), \
                set_config('jit', 'off', false), set_config('enable_memoize', 'off', false), \
                set_config('work_mem', '32MB', false)"
    )
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

fn connect_options(url: &str) -> Result<PgConnectOptions, ConfigError> {
    let invalid = |reason: &str| ConfigError { name: "DATABASE_URL", reason: reason.to_owned() };
    let mut url = Url::parse(url).map_err(|_| {
        invalid("is not a URL: write postgres://user:password@host:5432/database, special characters percent-encoded")
    })?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(invalid("must start with postgres:// or postgresql://"));
    }
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let schema = parameters.iter().find(|(name, _)| name == "schema").map(|(_, value)| value.clone());
    let kept: Vec<_> = parameters.iter().filter(|(name, _)| !PRISMA_PARAMETERS.contains(&name.as_str())).collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    let options = PgConnectOptions::from_str(url.as_str())
        .map_err(|_| invalid("is not understood: write postgres://user:password@host:5432/database"))?
        .application_name("llm-traceability-api");
    Ok(match schema {
        // Where Prisma was told to use another schema, LiteLLM's tables are there.
        Some(schema) => options.options([("search_path", schema)]),
        None => options,
    })
}
