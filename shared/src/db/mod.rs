//! Connecting to LiteLLM's database and to that of the index, and keeping connected.

mod aws;
mod backend;
mod connection;
mod iam;
mod known;
mod loan;
mod login;
mod outage;
mod places;
mod pool;
mod rds;
mod session;
mod settings;
mod target;
mod work;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use connection::Connection;
pub use login::LoginError;
pub use places::urgently;
pub use session::Session;
pub use work::{DatabaseKind, Work};

use crate::api::{Clock, safe_text};
use crate::config::{ConfigError, DatabaseConfig, IndexPlace, LoginSource};
use crate::facts::{Direct, Facts, FactsError};
use crate::index::Index;
use backend::Canceller;
use known::{Catalogue, Known, Tables};
use loan::Loan;
use login::{IamLogin, Login, SecretLogin};
use outage::Outage;
use places::Places;
use pool::{Manager, Pool};
use session::Log;
use settings::SessionSettings;
use target::Target;

/// LiteLLM's database, and that of the index: pools of read-only connections, and what is known of the tables there.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    acquire_timeout: Duration,
    tables: Tables,
    catalogue: Arc<Catalogue>,
    clock: Clock,
    /// Another database that may have the index.
    index: Option<Box<ApartIndex>>,
}

/// How long the end of a process may wait for the database.
const CLOSING: Duration = Duration::from_secs(1);

/// The database of an index that is not LiteLLM's.
#[derive(Clone)]
struct ApartIndex {
    database: Database,
    outage: Arc<Outage>,
}

impl Database {
    /// Prepares the pools. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used, or contradicts another.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let index = match &config.index {
            IndexPlace::Elsewhere(config) => {
                Some(Box::new(ApartIndex { database: Self::of(config, Tables::Index)?, outage: Arc::default() }))
            }
            IndexPlace::Off | IndexPlace::Here => None,
        };
        let tables = Tables::Log { names: config.names.clone(), index: matches!(config.index, IndexPlace::Here) };
        Ok(Self { index, ..Self::of(config, tables)? })
    }

    fn of(config: &DatabaseConfig, tables: Tables) -> Result<Self, ConfigError> {
        let manager = Manager {
            login: login_of(config)?,
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
            tables,
            catalogue: Arc::default(),
            clock: Clock::system(),
            index: None,
        })
    }

    /// The same with another clock, by which what is known of the tables gets old.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        if let Some(index) = &mut self.index {
            index.database.clock = clock.clone();
        }
        Self { clock, ..self }
    }

    /// Whether the index has a database of its own.
    #[must_use]
    pub const fn has_apart_index(&self) -> bool {
        self.index.is_some()
    }

    /// A connection and the facts: those of the index where there is one and it is ready, else those of LiteLLM's log.
    ///
    /// # Errors
    /// [`FactsError`] when the database cannot be reached or has no readable log table, and
    /// [`FactsError::IndexDatabase`] when that of the index cannot be read: the log would take minutes for what the index
    /// answers, and LiteLLM's database would bear it.
    pub async fn session(&self) -> Result<Session, FactsError> {
        self.session_within(self.acquire_timeout).await
    }

    /// As [`Self::session`], to look one request or session up by its id, which the log answers as well: it does so while
    /// the database of the index cannot be read. See [`Session::require_index`].
    ///
    /// # Errors
    /// [`FactsError`] when LiteLLM's database cannot be reached or has no readable log table.
    pub async fn look_up(&self) -> Result<Session, FactsError> {
        // Half of the time, so that some is left for the log.
        match self.session_within(self.acquire_timeout / 2).await {
            Err(FactsError::IndexDatabase(error)) => {
                let unread = FactsError::IndexDatabase(error);
                tracing::warn!(
                    error = safe_text(&unread),
                    "the database of the index cannot be read: LiteLLM's log answers"
                );
                Ok(Session { unread_index: Some(unread), ..self.log().await? })
            }
            session => session,
        }
    }

    /// `patience` is how long to wait for a connection to the database of the index.
    async fn session_within(&self, patience: Duration) -> Result<Session, FactsError> {
        match self.session_of_known_tables(patience).await {
            // The index was there a moment ago, and was taken away.
            Err(error) if is_of_missing_table(&error) => {
                self.forget_facts().await;
                self.session_of_known_tables(patience).await
            }
            session => session,
        }
    }

    async fn session_of_known_tables(&self, patience: Duration) -> Result<Session, FactsError> {
        let mut has_index = false;
        if let Some(apart) = &self.index {
            let (mut conn, known) = apart.open(patience).await?;
            has_index = known.has_index;
            if has_index && let Some(index) = Index::read(&mut conn).await.map_err(FactsError::IndexDatabase)? {
                let log = Log::Elsewhere { database: Box::new(self.clone()), opened: None };
                return Ok(Session { conn, facts: indexed(index), has_index, log, unread_index: None });
            }
        }
        let (mut conn, known) = self.open(self.acquire_timeout).await?;
        let direct = known.direct.clone().ok_or(FactsError::TableMissing)?;
        let index = if known.has_index { Index::read(&mut conn).await? } else { None };
        let facts = match index {
            Some(index) => indexed(index),
            None => Facts::Direct(Arc::clone(&direct)),
        };
        let has_index = has_index || known.has_index;
        Ok(Session { conn, facts, has_index, log: Log::Here(direct), unread_index: None })
    }

    /// A connection and the facts of LiteLLM's own log, whether there is an index or not: where its keys are, and what was
    /// written a moment ago.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub async fn log(&self) -> Result<Session, FactsError> {
        let (conn, direct) = self.open_log().await?;
        let facts = Facts::Direct(Arc::clone(&direct));
        Ok(Session { conn, facts, has_index: false, log: Log::Here(direct), unread_index: None })
    }

    async fn open_log(&self) -> Result<(Connection, Arc<Direct>), FactsError> {
        let (conn, known) = self.open(self.acquire_timeout).await?;
        let direct = known.direct.clone().ok_or(FactsError::TableMissing)?;
        Ok((conn, direct))
    }

    /// A connection that is ready for statements, and what is known of the database. The catalogue is probed on the first
    /// use, again once what is known is a minute old, and after [`Self::forget_facts`]. Where that fails, there is no
    /// answer: the columns that are not known might be those that limit a key.
    async fn open(&self, patience: Duration) -> Result<(Connection, Arc<Known>), FactsError> {
        loop {
            let mut conn = self.acquire(patience).await?;
            if let Some(known) = self.known_to(&conn).await {
                return begun(conn, known).await;
            }
            let probing = self.catalogue.alone().await;
            // Who waited for another's probe has its result.
            if let Some(known) = self.known_to(&conn).await {
                drop(probing);
                return begun(conn, known).await;
            }
            if conn.is_pooled() || SessionSettings::are_in_force(&mut conn).await? {
                return self.probe(conn).await;
            }
            tracing::info!("a pooler ignores settings for a session: each transaction brings its own");
            self.manager().pooled.store(true, Ordering::Relaxed);
        }
    }

    async fn known_to(&self, conn: &Connection) -> Option<Arc<Known>> {
        self.catalogue.known(&self.tables, conn.is_pooled(), self.clock.now()).await
    }

    async fn probe(&self, mut conn: Connection) -> Result<(Connection, Arc<Known>), FactsError> {
        self.catalogue.forget().await;
        let mut transaction_settings = String::new();
        if conn.is_pooled() {
            let schema = self.manager().login.target(login::Freshness::Known).await.map_err(sqlx::Error::from)?.schema;
            conn.begin("").await?;
            transaction_settings = self.manager().settings.for_transaction(&mut conn, schema.as_deref()).await?;
            conn.set(&transaction_settings).await?;
        }
        let (direct, has_index) = match &self.tables {
            Tables::Log { names, index } => {
                let direct = Direct::probe(&mut conn, names).await?;
                (Some(Arc::new(direct)), *index && Index::exists(&mut conn).await?)
            }
            Tables::Index => (None, Index::exists(&mut conn).await?),
        };
        let (learnt_at, pooled) = (self.clock.now(), conn.is_pooled());
        let known = Arc::new(Known { direct, has_index, learnt_at, pooled, transaction_settings });
        self.catalogue.learn(Arc::clone(&known)).await;
        Ok((conn, known))
    }

    async fn acquire(&self, patience: Duration) -> Result<Connection, FactsError> {
        let (work, since, kind) = (Work::current(), Instant::now(), self.tables.kind());
        let loan = Loan::take(&self.pool, Work::purpose(work.as_deref()), patience).await;
        let loan = loan.map_err(|error| error.in_database(kind));
        if let Some(work) = &work {
            work.add_time(since.elapsed());
            if loan.is_err() {
                work.note_failure(kind);
            }
        }
        Ok(Connection::new(loan?, work, kind))
    }

    /// Whether all connections that there may be are there: who gets none waits for others, not for the server.
    fn is_exhausted(&self) -> bool {
        let status = self.pool.status();
        status.size >= status.max_size
    }

    fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        self.catalogue.forget().await;
        if let Some(index) = &self.index {
            index.database.catalogue.forget().await;
        }
    }

    /// Closes all connections that are not in use, and lets no more be made. Statements that nobody waits for any more get a
    /// moment to be cancelled.
    pub async fn close(&self) {
        for database in std::iter::once(self).chain(self.index.as_ref().map(|index| &index.database)) {
            database.manager().places.all_free(CLOSING).await;
            database.manager().canceller.close().await;
            let idle = database.pool.retain(|_, _| false).removed;
            database.pool.close();
            for connection in idle {
                // Whatever the other end makes of it.
                let _ = timeout(CLOSING, connection.conn.close()).await;
            }
        }
    }
}

impl ApartIndex {
    /// As [`Database::open`]. Once the server could not be reached, most requests are told so without trying.
    async fn open(&self, patience: Duration) -> Result<(Connection, Arc<Known>), FactsError> {
        if self.outage.spares_trying(self.database.clock.now()) {
            let spared = io::Error::new(io::ErrorKind::NotConnected, "it could not be reached a moment ago");
            return Err(FactsError::IndexDatabase(spared.into()));
        }
        let opened = self.database.open(patience).await;
        match &opened {
            Ok(_) => self.outage.is_over(),
            Err(_) if self.database.is_exhausted() => self.outage.is_over(),
            // The caller's own questions are in the way: that says nothing of the server.
            Err(FactsError::CallerBusy) => {}
            Err(_) => self.outage.goes_on(self.database.clock.now()),
        }
        opened.map_err(|error| error.in_database(DatabaseKind::Index))
    }
}

/// Where the connection is a pooler's, in a transaction with our settings.
async fn begun(mut conn: Connection, known: Arc<Known>) -> Result<(Connection, Arc<Known>), FactsError> {
    if known.pooled {
        conn.begin(&known.transaction_settings).await?;
    }
    Ok((conn, known))
}

fn is_of_missing_table(error: &FactsError) -> bool {
    let (FactsError::Database(error) | FactsError::IndexDatabase(error)) = error else { return false };
    matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "42P01"))
}

/// The facts of an index, which the request's answer is as old as.
fn indexed(index: Index) -> Facts {
    if let Some(work) = Work::current() {
        work.is_as_of(index.as_of);
    }
    Facts::Indexed(Arc::new(index))
}

/// Where the login comes from, and whether the settings agree about it.
fn login_of(config: &DatabaseConfig) -> Result<Login, ConfigError> {
    let (name, url) = match &config.url {
        Some((name, url)) => (*name, Some(url)),
        None => ("DATABASE_URL", None),
    };
    let refuse = |reason: &str| ConfigError { name, reason: reason.to_owned() };
    let allow = config.allow_unverified_tls;
    let target = url.map(|url| Target::parse(url, allow)).transpose().map_err(|reason| refuse(&reason))?;
    match (&config.login, target) {
        (LoginSource::Url, Some(target)) => Ok(Login::Url(Box::new(target))),
        (LoginSource::Url | LoginSource::Iam, None) => {
            Err(refuse("is missing: set it to LiteLLM's database, such as postgres://reader:…@host:5432/litellm"))
        }
        (LoginSource::Secret(_) | LoginSource::Iam, Some(target)) if target.has_password => {
            Err(refuse("has a password, though another setting says where the login comes from: remove one of the two"))
        }
        (LoginSource::Secret(arn), place) => Ok(Login::Secret(Box::new(SecretLogin {
            arn: arn.clone(),
            place,
            allow_unverified_tls: allow,
            aws: aws::Aws::default(),
            known: Mutex::default(),
        }))),
        (LoginSource::Iam, Some(target)) => {
            if !target.is_confidential() {
                return Err(refuse("asks for an sslmode that would send the token of DATABASE_IAM_AUTH in the clear"));
            }
            let Some(user) = target.user.clone() else {
                return Err(refuse(
                    "names no user, which DATABASE_IAM_AUTH needs: postgres://<user>@host:5432/<database>",
                ));
            };
            Ok(Login::Iam(Box::new(IamLogin { target, user, aws: aws::Aws::default(), known: Mutex::default() })))
        }
    }
}

/// A connection outside of the pool, for a job that takes minutes, with settings of its own. The outer error is a setting's,
/// the inner one the database's.
///
/// # Errors
/// [`ConfigError`] when a setting cannot be used, or contradicts another.
pub async fn connect(
    config: &DatabaseConfig,
    settings: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<sqlx::Result<sqlx::PgConnection>, ConfigError> {
    let login = login_of(config)?;
    Ok(async move {
        let target = login.target(login::Freshness::Known).await.map_err(sqlx::Error::from)?;
        let mut options = target.options.application_name("llm-traceability-indexer").options(settings);
        if let Some(schema) = target.schema.as_deref() {
            options = options.options([("search_path", schema)]);
        }
        sqlx::PgConnection::connect_with(&options).await
    }
    .await)
}
