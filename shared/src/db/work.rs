//! What one request does in the database: how long that takes, how many rows it reads, and which connections it leaves
//! in a state that has to be put right before it is answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use tokio::time::timeout;

use super::pool::Loan;

tokio::task_local! {
    static WORK: Arc<Work>;
}

/// How long a connection may take to be ready again before it is closed instead.
const PATIENCE: Duration = Duration::from_millis(200);

/// The sum of a request's work in the database.
#[derive(Debug, Default)]
pub struct Work {
    micros: AtomicU64,
    rows: AtomicU64,
    /// As of when the index was that answers, if one does.
    as_of: OnceLock<DateTime<Utc>>,
    /// The end of the window that was asked for, if one was.
    asked_until: OnceLock<DateTime<Utc>>,
    /// Connections in the middle of an answer or of a transaction.
    unsettled: Mutex<Vec<Loan>>,
}

impl Work {
    /// Runs what a request asks for, counting its work here.
    pub async fn scope<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        WORK.scope(Arc::clone(self), work).await
    }

    /// That of the request this runs for, if any.
    pub(crate) fn current() -> Option<Arc<Self>> {
        WORK.try_with(Arc::clone).ok()
    }

    /// As of when the index was that answers, if one does.
    #[must_use]
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        self.as_of.get().copied()
    }

    pub(super) fn is_as_of(&self, instant: DateTime<Utc>) {
        let _ = self.as_of.set(instant);
    }

    /// The end of the window that was asked for, if one was.
    #[must_use]
    pub fn asked_until(&self) -> Option<DateTime<Utc>> {
        self.asked_until.get().copied()
    }

    /// Notes the end of the window that is asked for.
    pub(crate) fn ask_until(&self, end: DateTime<Utc>) {
        let _ = self.asked_until.set(end);
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

    pub(super) fn add_time(&self, time: Duration) {
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn add_row(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self, loan: Loan) {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).push(loan);
    }

    /// Runs work that is no request's, in the same way.
    pub async fn settled<T>(work: impl Future<Output = T>) -> T {
        let own = Arc::new(Self::default());
        let done = own.scope(work).await;
        own.settle().await;
        done
    }

    fn take_unsettled(&self) -> Vec<Loan> {
        std::mem::take(&mut *self.unsettled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the transactions that are still open and reads the answers that nobody waited for, or closes the connection
    /// where that takes too long. To be called before the request is answered: afterwards a Lambda environment may be
    /// frozen for hours, with a pooler's server connection in its hands.
    pub async fn settle(&self) {
        for mut loan in self.take_unsettled() {
            let settled = async {
                if loan.in_transaction {
                    sqlx::raw_sql("ROLLBACK").execute(loan.conn()).await.map(|_| ())
                } else {
                    loan.conn().ping().await
                }
            };
            match timeout(PATIENCE, settled).await {
                Ok(Ok(())) => loan.in_transaction = false,
                Ok(Err(_)) => loan.discard_with_idle(),
                Err(_) => loan.discard(),
            }
        }
    }
}

impl Drop for Work {
    /// Nobody settles what a client left by hanging up: its connections are closed.
    fn drop(&mut self) {
        self.take_unsettled().into_iter().for_each(Loan::discard);
    }
}
