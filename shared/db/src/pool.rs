//! The pool: making connections, with the login of the moment, and telling whether one still lives.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::Utc;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::backend::{Backend, Canceller};
use super::login::{Freshness, Login};
use super::places::Places;
use super::settings::SessionSettings;

/// How long a connection that was idle may take to prove that it is alive. With making another it is under a second.
const PING_TIMEOUT: Duration = Duration::from_millis(400);
/// A connection is asked whether it lives when its last use lies this far back.
const PING_AFTER_MS: i64 = 1_000;

pub(super) type Pool = managed::Pool<Manager>;

/// Makes connections and looks after them.
pub(super) struct Manager {
    pub(super) login: Login,
    pub(super) settings: SessionSettings,
    /// Whether a pooler shares server connections between us and others.
    pub(super) pooled: AtomicBool,
    /// Connections that were used last before this, in milliseconds of the wall clock, are not worth asking.
    pub(super) dead_before_ms: AtomicI64,
    /// Whether the server can look whether the client of a running statement is still there.
    pub(super) can_check_clients: AtomicBool,
    /// Who may have how many connections.
    pub(super) places: Places,
    pub(super) canceller: Canceller,
}

/// A connection of the pool.
pub(super) struct Pooled {
    pub(super) conn: PgConnection,
    /// The server's process, where it is this connection's alone.
    pub(super) backend: Option<Backend>,
    /// When it was taken last, by the wall clock: a monotonic one stops while a Lambda environment is frozen.
    last_use_ms: i64,
    /// Whether each transaction brings the settings that a session has otherwise.
    pub(super) shares_sessions: bool,
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Pooled, sqlx::Error> {
        let began = SystemTime::now();
        let mut conn = match Box::pin(self.connect(Freshness::Known)).await {
            // The password was changed since it was read, or the server, or the token is too old.
            Err(error) if self.login.may_have_changed(is_refused(&error)).await => {
                Box::pin(self.connect(Freshness::NewerThan(began))).await?
            }
            made => made?,
        };
        let shares_sessions = self.pooled.load(Ordering::Relaxed);
        let backend = if shares_sessions { None } else { Backend::of(&mut conn, &self.can_check_clients).await? };
        Ok(Pooled { conn, backend, last_use_ms: Utc::now().timestamp_millis(), shares_sessions })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<sqlx::Error> {
        let now_ms = Utc::now().timestamp_millis();
        let last_use_ms = std::mem::replace(&mut pooled.last_use_ms, now_ms);
        let dead = || RecycleError::message("the server is gone");
        if last_use_ms < self.dead_before_ms.load(Ordering::Relaxed)
            || pooled.shares_sessions != self.pooled.load(Ordering::Relaxed)
        {
            return Err(dead());
        }
        // Also where the clock was set back.
        if (0..PING_AFTER_MS).contains(&(now_ms - last_use_ms)) {
            return Ok(());
        }
        if matches!(timeout(PING_TIMEOUT, pooled.conn.ping()).await, Ok(Ok(()))) {
            return Ok(());
        }
        // One wait is enough for all.
        self.distrust_idle();
        Err(dead())
    }
}

impl Manager {
    /// Cancels what a connection's process is at. Not where one connection is all that the database may give.
    pub(super) async fn cancel(&self, backend: Option<Backend>) {
        if let Some(backend) = backend
            && self.places.size() > 1
        {
            self.canceller.cancel(backend, self).await;
        }
    }

    /// Uses no connection again that is idle now: what ended one, a restart or a failover, ended them as well.
    pub(super) fn distrust_idle(&self) {
        self.dead_before_ms.fetch_max(Utc::now().timestamp_millis(), Ordering::Relaxed);
    }

    pub(super) async fn connect(&self, freshness: Freshness) -> sqlx::Result<PgConnection> {
        let target = self.login.target(freshness).await?;
        if target.pgbouncer {
            self.pooled.store(true, Ordering::Relaxed);
        }
        if !self.pooled.load(Ordering::Relaxed) {
            let options = self.settings.for_session(target.options.clone(), target.schema.as_deref());
            match PgConnection::connect_with(&options).await {
                Err(error) if is_pooler(&error) => {
                    tracing::info!("a pooler refuses settings for a session: each transaction brings its own");
                    self.pooled.store(true, Ordering::Relaxed);
                }
                made => return made,
            }
        }
        let options: PgConnectOptions = target.options.clone().extra_float_digits(None);
        PgConnection::connect_with(&options).await
    }
}

/// Whether the server does not take the user or the password. Poolers have codes of their own for that.
fn is_refused(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().is_some_and(|code| code.starts_with("28")) || error.message().contains("authentication failed")
    })
}

/// Whether a pooler refused the settings in the startup packet, as PgBouncer and RDS Proxy do.
fn is_pooler(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    matches!(error.code().as_deref(), Some("08P01" | "0A000"))
        && ["startup parameter", "command-line options"].iter().any(|text| error.message().contains(text))
}
