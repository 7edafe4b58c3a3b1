//! A connection that is out of the pool, and how it gets back.

use std::fmt;
use std::pin::pin;
use std::time::{Duration, Instant};

use deadpool::managed::{Object, PoolError};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::DbError;
use super::places::{Place, Purpose};
use super::pool::{Manager, Pool};

/// How long a statement that nobody waits for may take to end by itself before it is cancelled.
const GRACE: Duration = Duration::from_millis(20);
/// How much later than by its timeout a statement must be over. Then the server has lost the connection, or never had it.
const MARGIN: Duration = Duration::from_secs(1);
/// How many errors a connection may have to tell before it is ready: of the statement, of its cancellation.
const ERRORS: usize = 4;

/// A connection that is out of the pool, and goes back when it is dropped: at once, or, in the middle of a statement or a
/// transaction, when the server is done with that. Until then its place in the pool stays taken, so that the server never
/// has more connections of a pool than that has places.
pub(super) struct PooledConnection {
    /// `None` only once it is on its way back. In a box, since each handler's future has one.
    kept: Option<Box<Kept>>,
    /// Whether a transaction is open.
    pub(super) in_transaction: bool,
    /// Whether an answer is still under way, or ended in an error.
    busy: bool,
}

/// In this order: the place is free when the connection is back.
struct Kept {
    object: Object<Manager>,
    place: Place,
}

impl PooledConnection {
    /// Takes one from the pool, or makes one if there is room.
    ///
    /// # Errors
    /// [`DbError`] when there is none within `max_wait`.
    pub(super) async fn take(pool: &Pool, purpose: Purpose, max_wait: Duration) -> Result<Self, DbError> {
        let since = Instant::now();
        let place = pool.manager().places.take(&purpose, max_wait).await?;
        let pool = pool.clone();
        let left = max_wait.saturating_sub(since.elapsed());
        // In a task of its own. A connection that a client gave up in the middle of its login would hold no place, while
        // the server has a process for it.
        let taken = tokio::spawn(async move {
            let object = timeout(left, pool.get()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
            let object = object.map_err(|error| match error {
                PoolError::Backend(error) => error,
                PoolError::Closed => sqlx::Error::PoolClosed,
                _ => sqlx::Error::PoolTimedOut,
            })?;
            Ok::<Self, sqlx::Error>(Self {
                kept: Some(Box::new(Kept { object, place })),
                in_transaction: false,
                busy: false,
            })
        });
        Ok(taken.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }

    /// The connection, and whether it is in the middle of an answer.
    pub(super) fn parts(&mut self) -> (&mut PgConnection, &mut bool) {
        let kept = self.kept.as_mut().expect("a connection is kept until it goes back");
        (&mut kept.object.conn, &mut self.busy)
    }

    /// Whether it leads through a pooler that shares server connections.
    pub(super) fn is_pooled(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.object.shares_sessions)
    }

    /// Whether it is in the middle of an answer or of a transaction.
    pub(super) fn is_unsettled(&self) -> bool {
        self.busy || self.in_transaction
    }

    /// Ends what it is at and gives it back, or closes it where that takes longer than `max_wait`, or than any statement
    /// may run where no `max_wait` is given. It goes on when the result is dropped. `None` where there is nothing to do.
    pub(super) fn settle(mut self, max_wait: Option<Duration>) -> Option<JoinHandle<()>> {
        self.start_settling(max_wait)
    }

    fn start_settling(&mut self, max_wait: Option<Duration>) -> Option<JoinHandle<()>> {
        let Kept { object, place } = *self.kept.take()?;
        if !self.is_unsettled() {
            drop(object);
            return None;
        }
        let unsettled = Unsettled { object: Some(object), in_transaction: self.in_transaction, _place: place };
        // Without a runtime, the connection is closed.
        Handle::try_current().ok().map(|runtime| runtime.spawn(unsettled.settle(max_wait)))
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        drop(self.start_settling(None));
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledConnection")
            .field("in_transaction", &self.in_transaction)
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

/// A connection in the middle of something. Dropped, it is closed.
struct Unsettled {
    /// `None` once it is back.
    object: Option<Object<Manager>>,
    in_transaction: bool,
    _place: Place,
}

impl Unsettled {
    async fn settle(mut self, max_wait: Option<Duration>) {
        let Some(object) = self.object.as_mut() else { return };
        let Some(pool) = Object::pool(object) else { return };
        let manager = pool.manager();
        let backend = object.backend;
        let settled = {
            let mut settling = pin!(end(&mut object.conn, self.in_transaction));
            if let Ok(settled) = timeout(GRACE, &mut settling).await {
                Some(settled)
            } else {
                manager.cancel(backend).await;
                let max_wait = max_wait.unwrap_or(manager.settings.statement_timeout + MARGIN);
                timeout(max_wait, settling).await.ok()
            }
        };
        match settled {
            Some(Ok(())) => drop(self.object.take()),
            Some(Err(_)) => manager.distrust_idle(),
            None => {}
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// Reads the answer that nobody waited for, or ends the transaction.
async fn end(conn: &mut PgConnection, in_transaction: bool) -> sqlx::Result<()> {
    let mut ended = Ok(());
    for _ in 0..ERRORS {
        ended = if in_transaction {
            sqlx::raw_sql("ROLLBACK").execute(&mut *conn).await.map(|_| ())
        } else {
            conn.ping().await
        };
        // An error that the server tells is the statement's. Any other is the connection's.
        if !matches!(ended, Err(sqlx::Error::Database(_))) {
            break;
        }
    }
    ended
}
