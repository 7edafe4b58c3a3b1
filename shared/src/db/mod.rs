//! Connecting to LiteLLM's database and to that of the index, and keeping connected.

mod aws;
mod backend;
mod connection;
mod iam;
mod loan;
mod login;
mod places;
mod pool;
mod rds;
mod settings;
mod target;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sqlx::Connection as _;
use tokio::sync::{Mutex, RwLock};
use tokio::time::timeout;

pub use connection::Connection;
pub use login::LoginError;
pub use places::urgently;
pub use work::Work;

use crate::config::{ConfigError, DatabaseConfig, IndexPlace, LoginSource};
use crate::facts::{Direct, Facts, FactsError, NamePaths};
use crate::index::Index;
use backend::Canceller;
use loan::Loan;
use login::{IamLogin, Login, SecretLogin};
use places::Places;
use pool::{Manager, Pool};
use settings::SessionSettings;
use target::Target;

/// LiteLLM's database, and that of the index: pools of read-only connections, and what is known of the tables there.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    acquire_timeout: Duration,
    tables: Tables,
    known: Arc<RwLock<Option<Arc<Known>>>>,
    /// Another database that may have the index.
    index: Option<Box<Database>>,
}

/// Which tables of interest a database may have.
#[derive(Clone)]
enum Tables {
    /// LiteLLM's, whose names for agents and conversations are found in these places, and the index if it is asked for.
    Log { names: NamePaths, index: bool },
    /// The index.
    Index,
}

/// What was learnt of a database on its first use.
struct Known {
    /// The projection, where LiteLLM's log is.
    direct: Option<Arc<Direct>>,
    /// Whether there is an index, ready or not.
    has_index: bool,
    learnt_at: SystemTime,
    /// Whether it was learnt by way of a pooler.
    pooled: bool,
    /// What a transaction sets for itself then.
    transaction_settings: String,
}

/// How long the end of a process may wait for the database.
const CLOSING: Duration = Duration::from_secs(1);

/// An index that was not there is looked for again after this time.
const LOOK_FOR_INDEX: Duration = Duration::from_secs(20);

impl Known {
    fn is_current(&self, tables: &Tables, pooled: bool) -> bool {
        let may_come = matches!(tables, Tables::Index | Tables::Log { index: true, .. }) && !self.has_index;
        let is_old = || self.learnt_at.elapsed().is_ok_and(|age| age > LOOK_FOR_INDEX);
        self.pooled == pooled && !(may_come && is_old())
    }
}

/// One connection, with the facts to write queries over.
pub struct Session {
    /// A connection of the pool.
    pub conn: Connection,
    /// The facts that it leads to.
    pub facts: Facts,
    /// Whether there is an index, be it that it does not have all of the log yet.
    pub has_index: bool,
    log: Log,
}

/// Where LiteLLM's log is, from a session.
enum Log {
    /// In the same database.
    Here(Arc<Direct>),
    /// In this one.
    Elsewhere { database: Database, opened: Option<(Connection, Arc<Direct>)> },
}

impl Session {
    /// A connection to LiteLLM's own log, and the facts over it: where content is.
    ///
    /// # Errors
    /// [`FactsError`] when it cannot be reached.
    pub async fn log(&mut self) -> Result<(&mut Connection, Facts), FactsError> {
        match &mut self.log {
            Log::Here(direct) => Ok((&mut self.conn, Facts::Direct(Arc::clone(direct)))),
            Log::Elsewhere { database, opened } => {
                let (conn, direct) = match opened {
                    Some(opened) => opened,
                    None => opened.insert(database.open_log().await?),
                };
                Ok((conn, Facts::Direct(Arc::clone(direct))))
            }
        }
    }
}

impl Database {
    /// Prepares the pools. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used, or contradicts another.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let index = match &config.index {
            IndexPlace::Elsewhere(config) => Some(Box::new(Self::of(config, Tables::Index)?)),
            IndexPlace::Off | IndexPlace::Here => None,
        };
        let tables = Tables::Log { names: config.names.clone(), index: matches!(config.index, IndexPlace::Here) };
        Ok(Self { index, ..Self::of(config, tables)? })
    }

    fn of(config: &DatabaseConfig, tables: Tables) -> Result<Self, ConfigError> {
        let manager = Manager {
            login: login_of(config)?,
            settings: SessionSettings { statement_timeout: config.statement_timeout },
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
        Ok(Self { pool, acquire_timeout: config.acquire_timeout, tables, known: Arc::default(), index: None })
    }

    /// A connection and the facts: those of the index where there is one and it is ready, else those of LiteLLM's log.
    ///
    /// # Errors
    /// [`FactsError`] when the database cannot be reached or has no readable log table.
    pub async fn session(&self) -> Result<Session, FactsError> {
        match self.session_of_known_tables().await {
            // The index was there a moment ago, and was taken away.
            Err(FactsError::Database(error)) if is_of_missing_table(&error) => {
                self.forget_facts().await;
                self.session_of_known_tables().await
            }
            session => session,
        }
    }

    async fn session_of_known_tables(&self) -> Result<Session, FactsError> {
        let mut has_index = false;
        if let Some(index) = &self.index {
            let (mut conn, known) = index.open().await?;
            has_index = known.has_index;
            if has_index && let Some(index) = Index::read(&mut conn).await? {
                let log = Log::Elsewhere { database: self.clone(), opened: None };
                return Ok(Session { conn, facts: indexed(index), has_index, log });
            }
        }
        let (mut conn, known) = self.open().await?;
        let direct = known.direct.clone().ok_or(FactsError::TableMissing)?;
        let index = if known.has_index { Index::read(&mut conn).await? } else { None };
        let facts = match index {
            Some(index) => indexed(index),
            None => Facts::Direct(Arc::clone(&direct)),
        };
        Ok(Session { conn, facts, has_index: has_index || known.has_index, log: Log::Here(direct) })
    }

    /// A connection and the facts of LiteLLM's own log, whether there is an index or not: where its keys are, and what was
    /// written a moment ago.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub async fn log(&self) -> Result<Session, FactsError> {
        let (conn, direct) = self.open_log().await?;
        let facts = Facts::Direct(Arc::clone(&direct));
        Ok(Session { conn, facts, has_index: false, log: Log::Here(direct) })
    }

    async fn open_log(&self) -> Result<(Connection, Arc<Direct>), FactsError> {
        let (conn, known) = self.open().await?;
        let direct = known.direct.clone().ok_or(FactsError::TableMissing)?;
        Ok((conn, direct))
    }

    /// A connection that is ready for statements, and what is known of the database. The catalogue is probed on the first
    /// use only, and again after [`Self::forget_facts`].
    async fn open(&self) -> Result<(Connection, Arc<Known>), FactsError> {
        let mut conn = self.acquire().await?;
        let known = self.known.read().await.clone().filter(|known| known.is_current(&self.tables, conn.is_pooled()));
        if let Some(known) = known {
            if known.pooled {
                conn.begin(&known.transaction_settings).await?;
            }
            return Ok((conn, known));
        }
        if !conn.is_pooled() && !SessionSettings::are_in_force(&mut conn).await? {
            tracing::info!("a pooler ignores settings for a session: each transaction brings its own");
            self.manager().pooled.store(true, Ordering::Relaxed);
            drop(conn);
            conn = self.acquire().await?;
        }
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
        let (learnt_at, pooled) = (SystemTime::now(), conn.is_pooled());
        let known = Arc::new(Known { direct, has_index, learnt_at, pooled, transaction_settings });
        *self.known.write().await = Some(Arc::clone(&known));
        Ok((conn, known))
    }

    async fn acquire(&self) -> Result<Connection, FactsError> {
        let (work, since) = (Work::current(), Instant::now());
        let loan = Loan::take(&self.pool, Work::purpose(work.as_deref()), self.acquire_timeout).await;
        if let Some(work) = &work {
            work.add_time(since.elapsed());
        }
        Ok(Connection::new(loan?, work))
    }

    fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        *self.known.write().await = None;
        if let Some(index) = &self.index {
            *index.known.write().await = None;
        }
    }

    /// Closes all connections that are not in use, and lets no more be made. Statements that nobody waits for any more get a
    /// moment to be cancelled.
    pub async fn close(&self) {
        for database in std::iter::once(self).chain(self.index.as_deref()) {
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

fn is_of_missing_table(error: &sqlx::Error) -> bool {
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
    settings: impl IntoIterator<Item = (&'static str, &'static str)>,
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
