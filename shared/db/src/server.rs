//! One database server: its pool, and what is known of its tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sqlx::Connection as _;
use tokio::time::timeout;
use traceability_core::clock::Clock;
use traceability_core::environment::ConfigError;

use super::backend::Canceller;
use super::config::DatabaseConfig;
use super::connection::Connection;
use super::db_stats::DbStats;
use super::error::DbError;
use super::kind::DatabaseKind;
use super::login::{Freshness, of_config};
use super::places::Places;
use super::pool::{Manager, Pool};
use super::pooled_connection::PooledConnection;
use super::probe_result::{Catalogue, ProbeResult};
use super::settings::SessionSettings;

/// How a server's tables are looked at before it is asked anything.
pub trait Probe: Clone + Send + Sync + 'static {
    /// What is learnt of them.
    type Tables: Send + Sync + 'static;

    /// Which of the databases the server is.
    const KIND: DatabaseKind;

    /// Looks.
    ///
    /// # Errors
    /// [`DbError`] where the tables cannot be used, or the database does not answer. Nothing is asked of it then.
    fn probe(&self, conn: &mut Connection) -> impl Future<Output = Result<Self::Tables, DbError>> + Send;

    /// How long what was learnt is taken as it was.
    fn lifetime(&self, tables: &Self::Tables) -> TimeDelta;
}

/// A pool of read-only connections to one server.
pub struct Server<P: Probe> {
    pool: Pool,
    acquire_timeout: Duration,
    probe: P,
    catalogue: Arc<Catalogue<P::Tables>>,
    clock: Clock,
}

impl<P: Probe> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            acquire_timeout: self.acquire_timeout,
            probe: self.probe.clone(),
            catalogue: Arc::clone(&self.catalogue),
            clock: self.clock.clone(),
        }
    }
}

/// How long the end of a process may wait for the database.
const CLOSING: Duration = Duration::from_secs(1);

impl<P: Probe> Server<P> {
    /// Prepares the pool. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used, or contradicts another.
    pub fn new(config: &DatabaseConfig, probe: P) -> Result<Self, ConfigError> {
        let manager = Manager {
            login: of_config(config)?,
            settings: SessionSettings {
                statement_timeout: config.statement_timeout,
                lock_timeout: config.lock_timeout,
            },
            pooled: AtomicBool::new(config.pooler),
            dead_before_ms: AtomicI64::new(i64::MIN),
            can_check_clients: AtomicBool::new(true),
            places: Places::new(config.max_connections, config.sharing),
            canceller: Canceller::default(),
        };
        // No timeouts of the pool's own: one around it all bounds a request's wait.
        let size = usize::try_from(config.max_connections).unwrap_or(usize::MAX);
        let pool = Pool::builder(manager)
            .max_size(size)
            .build()
            .map_err(|error| ConfigError { name: "DATABASE_MAX_CONNECTIONS", reason: error.to_string() })?;
        Ok(Self {
            pool,
            acquire_timeout: config.acquire_timeout,
            probe,
            catalogue: Arc::new(Catalogue::new()),
            clock: Clock::system(),
        })
    }

    /// The same with another clock, by which what is known of the tables gets old.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The time, as this server's pool tells it.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long a request waits for a connection.
    #[must_use]
    pub const fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// A connection that is ready for statements, and what is known of the database. The catalogue is probed on the first
    /// use, again once what is known is a minute old, and after [`Self::forget`]. Where that fails, there is no answer: the
    /// columns that are not known might be those that limit a key.
    ///
    /// # Errors
    /// [`DbError`] when there is no connection within `max_wait`, or the tables cannot be used.
    pub async fn open(&self, max_wait: Duration) -> Result<(Connection, Arc<ProbeResult<P::Tables>>), DbError> {
        loop {
            let mut conn = self.acquire(max_wait).await?;
            if let Some(probed) = self.probed_for(&conn).await {
                return begun(conn, probed).await;
            }
            let probing = self.catalogue.alone().await;
            // Who waited for another's probe has its result.
            if let Some(probed) = self.probed_for(&conn).await {
                drop(probing);
                return begun(conn, probed).await;
            }
            if conn.is_pooled() || SessionSettings::are_in_force(&mut conn).await? {
                return self.probe(conn).await;
            }
            tracing::info!("a pooler ignores settings for a session: each transaction brings its own");
            self.manager().pooled.store(true, Ordering::Relaxed);
        }
    }

    async fn probed_for(&self, conn: &Connection) -> Option<Arc<ProbeResult<P::Tables>>> {
        let lifetime = |tables: &P::Tables| self.probe.lifetime(tables);
        self.catalogue.current(lifetime, conn.is_pooled(), self.clock.now()).await
    }

    async fn probe(&self, mut conn: Connection) -> Result<(Connection, Arc<ProbeResult<P::Tables>>), DbError> {
        self.catalogue.forget().await;
        let mut transaction_settings = String::new();
        if conn.is_pooled() {
            let schema = self.manager().login.target(Freshness::Known).await.map_err(sqlx::Error::from)?.schema;
            conn.begin("").await?;
            transaction_settings = self.manager().settings.for_transaction(&mut conn, schema.as_deref()).await?;
            conn.set(&transaction_settings).await?;
        }
        let tables = self.probe.probe(&mut conn).await?;
        let (learnt_at, pooled) = (self.clock.now(), conn.is_pooled());
        let probed = Arc::new(ProbeResult { tables, learnt_at, pooled, transaction_settings });
        self.catalogue.learn(Arc::clone(&probed)).await;
        Ok((conn, probed))
    }

    async fn acquire(&self, max_wait: Duration) -> Result<Connection, DbError> {
        let (stats, since) = (DbStats::current(), Instant::now());
        let pooled = PooledConnection::take(&self.pool, DbStats::purpose(stats.as_deref()), max_wait).await;
        let pooled = pooled.map_err(|error| error.in_database(P::KIND));
        if let Some(stats) = &stats {
            stats.add_time(since.elapsed());
            if pooled.is_err() {
                stats.note_failure(P::KIND);
            }
        }
        Ok(Connection::new(pooled?, stats, P::KIND))
    }

    /// Whether all connections that there may be are there: who gets none waits for others, not for the server.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        let status = self.pool.status();
        status.size >= status.max_size
    }

    fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    /// Probes again before the next query: the tables are not what they were.
    pub async fn forget(&self) {
        self.catalogue.forget().await;
    }

    /// Closes all connections that are not in use, and lets no more be made. Statements that nobody waits for any more get a
    /// moment to be cancelled.
    pub async fn close(&self) {
        self.manager().places.all_free(CLOSING).await;
        self.manager().canceller.close().await;
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        for connection in idle {
            // Whatever the other end makes of it.
            let _ = timeout(CLOSING, connection.conn.close()).await;
        }
    }
}

/// Where the connection is a pooler's, in a transaction with our settings.
async fn begun<T>(
    mut conn: Connection,
    probed: Arc<ProbeResult<T>>,
) -> Result<(Connection, Arc<ProbeResult<T>>), DbError> {
    if probed.pooled {
        conn.begin(&probed.transaction_settings).await?;
    }
    Ok((conn, probed))
}
