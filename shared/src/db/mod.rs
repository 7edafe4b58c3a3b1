//! Connecting to LiteLLM's database, and keeping connected.

mod aws;
mod connection;
mod iam;
mod login;
mod pool;
mod rds;
mod settings;
mod target;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tokio::sync::{Mutex, RwLock};
use tokio::time::timeout;

pub use connection::Connection;
pub use login::LoginError;
pub use work::Work;

use crate::config::{ConfigError, DatabaseConfig, LoginSource};
use crate::facts::{Facts, FactsError, NamePaths};
use login::{IamLogin, Login, SecretLogin};
use pool::{Loan, Manager, Pool};
use settings::SessionSettings;
use target::Target;

/// LiteLLM's database: a pool of read-only connections, and the projection for its schema.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    acquire_timeout: Duration,
    names: NamePaths,
    known: Arc<RwLock<Option<Arc<Known>>>>,
}

/// What was learnt of the database on its first use.
struct Known {
    facts: Arc<Facts>,
    /// Whether it was learnt by way of a pooler.
    pooled: bool,
    /// What a transaction sets for itself then.
    transaction_settings: String,
}

/// One connection, with the projection to write queries over.
pub struct Session {
    /// A connection of the pool.
    pub conn: Connection,
    /// The facts of this database.
    pub facts: Arc<Facts>,
}

impl Database {
    /// Prepares a pool. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used, or contradicts another.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let manager = Manager {
            login: login_of(config)?,
            settings: SessionSettings { statement_timeout: config.statement_timeout },
            pooled: AtomicBool::new(config.pooler),
            dead_before_ms: AtomicI64::new(i64::MIN),
        };
        // No timeouts of the pool's own: one around it all bounds a request's wait.
        let size = usize::try_from(config.max_connections).unwrap_or(usize::MAX);
        let pool = Pool::builder(manager)
            .max_size(size)
            .build()
            .map_err(|error| ConfigError { name: "DATABASE_MAX_CONNECTIONS", reason: error.to_string() })?;
        Ok(Self { pool, acquire_timeout: config.acquire_timeout, names: config.names.clone(), known: Arc::default() })
    }

    /// A connection and the projection. The catalogue is probed on the first use only, and again after
    /// [`Self::forget_facts`].
    ///
    /// # Errors
    /// [`FactsError`] when the database cannot be reached or has no readable log table.
    pub async fn session(&self) -> Result<Session, FactsError> {
        let mut conn = self.acquire().await?;
        let known = self.known.read().await.clone().filter(|known| known.pooled == conn.is_pooled());
        if let Some(known) = known {
            if known.pooled {
                conn.begin(&known.transaction_settings).await?;
            }
            return Ok(Session { conn, facts: Arc::clone(&known.facts) });
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
        let facts = Arc::new(Facts::probe(&mut conn, &self.names).await?);
        let known = Known { facts: Arc::clone(&facts), pooled: conn.is_pooled(), transaction_settings };
        *self.known.write().await = Some(Arc::new(known));
        Ok(Session { conn, facts })
    }

    async fn acquire(&self) -> sqlx::Result<Connection> {
        let (work, since) = (Work::current(), Instant::now());
        let loan = timeout(self.acquire_timeout, Loan::take(&self.pool)).await;
        if let Some(work) = &work {
            work.add_time(since.elapsed());
        }
        Ok(Connection::new(loan.map_err(|_| sqlx::Error::PoolTimedOut)??, work))
    }

    fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        *self.known.write().await = None;
    }

    /// Closes all connections that are not in use, and lets no more be made.
    pub async fn close(&self) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        for connection in idle {
            // Whatever the other end makes of it.
            let _ = connection.conn.close().await;
        }
    }
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
