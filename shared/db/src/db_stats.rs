//! What one request does in the database: how long that takes, how many rows it reads, and which connections it leaves
//! in a state that has to be put right before it is answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::error::DbError;
use super::kind::DatabaseKind;
use super::places::{Purpose, is_urgent};
use super::pooled_connection::PooledConnection;

tokio::task_local! {
    static CURRENT: Arc<DbStats>;
}

/// How long an answer waits for a connection to be ready again.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(200);

/// The sum of a request's work in the database.
#[derive(Debug, Default)]
pub struct DbStats {
    micros: AtomicU64,
    rows: AtomicU64,
    /// As of when the index was that answers, if one does.
    as_of: OnceLock<DateTime<Utc>>,
    /// Who asks, once that is proved.
    caller: OnceLock<String>,
    /// Whether the question is over a time window, which takes the longer the longer that is.
    is_over_window: AtomicBool,
    /// Whether the last statement that failed was one of the index's database.
    index_failed: AtomicBool,
    /// Connections in the middle of an answer or of a transaction.
    unsettled: Mutex<Vec<PooledConnection>>,
}

impl DbStats {
    /// Runs what a request asks for, counting its work here.
    pub async fn scope<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::clone(self), work).await
    }

    /// That of the request this runs for, if any.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// As of when the index was that answers, if one does.
    #[must_use]
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        self.as_of.get().copied()
    }

    /// Notes as of when the index is that answers.
    pub fn is_as_of(&self, instant: DateTime<Utc>) {
        let _ = self.as_of.set(instant);
    }

    /// Notes who asks, by a name that no other caller has.
    pub fn is_of(&self, caller: String) {
        let _ = self.caller.set(caller);
    }

    /// Notes that the question is over a time window.
    pub fn is_over_window(&self) {
        self.is_over_window.store(true, Ordering::Relaxed);
    }

    /// What a connection is for that is taken now.
    pub(super) fn purpose(stats: Option<&Self>) -> Purpose {
        match stats {
            _ if is_urgent() => Purpose::Urgent,
            Some(stats) if stats.is_over_window.load(Ordering::Relaxed) => {
                Purpose::Window(stats.caller.get().cloned().unwrap_or_default())
            }
            _ => Purpose::Lookup,
        }
    }

    /// How long the request has waited for the database, for connections and for rows.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    /// How many rows the database has returned.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Notes that a statement has failed: its error does not tell of which database it is.
    pub(super) fn note_failure(&self, kind: DatabaseKind) {
        self.index_failed.store(kind == DatabaseKind::Index, Ordering::Relaxed);
    }

    /// Where the last statement failed of the request this runs for.
    #[must_use]
    pub fn failed_at() -> DatabaseKind {
        let index_failed = Self::current().is_some_and(|stats| stats.index_failed.load(Ordering::Relaxed));
        if index_failed { DatabaseKind::Index } else { DatabaseKind::Log }
    }

    pub(super) fn add_time(&self, time: Duration) {
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn add_row(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self, connection: PooledConnection) {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Runs work that is no request's, in the same way.
    pub async fn settled<T>(work: impl Future<Output = T>) -> T {
        let own = Arc::new(Self::default());
        let done = own.scope(work).await;
        own.settle().await;
        done
    }

    fn take_unsettled(&self) -> Vec<PooledConnection> {
        std::mem::take(&mut *self.unsettled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the transactions that are still open and the statements that nobody waits for any more. To be called before the
    /// request is answered: afterwards a Lambda environment may be frozen for hours, with a pooler's server connection in its
    /// hands. What takes too long is closed there; a connection of our own goes on, and keeps its place in the pool.
    pub async fn settle(&self) {
        for connection in self.take_unsettled() {
            let max_wait = connection.is_pooled().then_some(SETTLE_TIMEOUT);
            if let Some(settled) = connection.settle(max_wait) {
                let _ = timeout(SETTLE_TIMEOUT, settled).await;
            }
        }
    }
}

impl From<sqlx::Error> for DbError {
    /// Of the database whose statement failed last.
    fn from(error: sqlx::Error) -> Self {
        match DbStats::failed_at() {
            DatabaseKind::Log => Self::Database(error),
            DatabaseKind::Index => Self::IndexDatabase(error),
        }
    }
}
