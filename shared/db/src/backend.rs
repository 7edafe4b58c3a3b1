//! The server's process behind a connection, and ending what it is at when nobody waits for that any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::login::Freshness;
use super::pool::Manager;
use super::settings::{CLIENT_CHECK, MARK};

/// A process of the server. Processes of other times may have had the same id.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Backend {
    pid: i32,
    started: Option<DateTime<Utc>>,
}

/// How long cancelling a statement may take, logging in included.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection for cancelling that was not used for so long is made anew: it may have died meanwhile.
const KEPT_FOR: Duration = Duration::from_secs(10);

impl Backend {
    /// Asks a new connection which process it has, and lets that process notice by itself when the connection is gone,
    /// where the server can: PostgreSQL 14 or newer, on most systems. `None` where it is not ours alone, but a pooler's.
    pub(super) async fn of(conn: &mut PgConnection, can_check: &AtomicBool) -> sqlx::Result<Option<Self>> {
        let (mark, own) = MARK;
        let (setting, interval) = CLIENT_CHECK;
        // One statement, since a pooler may run the next on a process of LiteLLM's: nothing may be set there.
        let select = "SELECT pg_backend_pid() AS pid, \
                      (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())) AS started";
        let is_own = format!("current_setting('{mark}', true) = '{own}'");
        let check = format!("(SELECT set_config(name, '{interval}', false) FROM pg_settings WHERE name = '{setting}')");
        if can_check.load(Ordering::Relaxed) {
            match fetch(conn, format!("{select}, {check} WHERE {is_own}")).await {
                Err(sqlx::Error::Database(_)) => can_check.store(false, Ordering::Relaxed),
                fetched => return fetched,
            }
        }
        match fetch(conn, format!("{select} WHERE {is_own}")).await {
            // Something that speaks PostgreSQL's protocol but lacks these: its statements end by their timeout.
            Err(sqlx::Error::Database(_)) => Ok(None),
            fetched => fetched,
        }
    }
}

async fn fetch(conn: &mut PgConnection, sql: String) -> sqlx::Result<Option<Backend>> {
    sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_optional(conn).await
}

/// A connection for cancelling statements, made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Canceller(Mutex<Option<Idle>>);

#[derive(Debug)]
struct Idle {
    conn: PgConnection,
    /// By the wall clock, like all idleness here.
    since: SystemTime,
}

impl Canceller {
    /// Cancels what the process is at. PostgreSQL lets every role cancel its own statements. May fail, or come too late: the
    /// statement then runs into its timeout.
    pub(super) async fn cancel(&self, backend: Backend, manager: &Manager) {
        let cancelled = timeout(CANCEL_TIMEOUT, async {
            // Held while cancelling, so that the server has one such connection at most.
            let mut kept = self.0.lock().await;
            let idle = kept.take().filter(|idle| idle.since.elapsed().is_ok_and(|age| age < KEPT_FOR));
            let mut conn = match idle {
                Some(idle) => idle.conn,
                None => Box::pin(manager.connect(Freshness::Known)).await?,
            };
            sqlx::query(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_get_activity($1) WHERE backend_start IS NOT DISTINCT FROM $2",
            )
            .bind(backend.pid)
            .bind(backend.started)
            .persistent(false)
            .execute(&mut conn)
            .await?;
            *kept = Some(Idle { conn, since: SystemTime::now() });
            Ok::<(), sqlx::Error>(())
        });
        match cancelled.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a statement that nobody waits for could not be cancelled"),
            Err(_) => tracing::debug!("cancelling a statement that nobody waits for took too long"),
        }
    }

    /// Closes the connection, if there is one.
    pub(super) async fn close(&self) {
        drop(self.0.lock().await.take());
    }
}
