//! Who may hold how many of a pool's connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::DbError;
use crate::config::Sharing;

tokio::task_local! {
    static URGENT: ();
}

/// Runs work whose connection comes out of the reserve, where the pool has one: health checks and look-ups of keys, which
/// callers with expensive questions must not keep waiting.
pub async fn urgently<T>(work: impl Future<Output = T>) -> T {
    URGENT.scope((), work).await
}

/// Whether this is within [`urgently`].
pub(super) fn is_urgent() -> bool {
    URGENT.try_with(|()| ()).is_ok()
}

/// What a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A health check or the look-up of a key.
    Urgent,
    /// A question about one session or request.
    Lookup,
    /// A question over a time window, by the caller of this name.
    Window(String),
}

/// Above so many callers, those who hold nothing are forgotten.
const REMEMBERED_CALLERS: usize = 100;

/// The places of a pool: one for each connection that the server may have of it. A place is taken until the server is done
/// with its connection's statement, whether or not anybody waits for the answer.
#[derive(Debug)]
pub(super) struct Places {
    size: u32,
    all: Arc<Semaphore>,
    /// All but the reserve, where there is one.
    unreserved: Option<Arc<Semaphore>>,
    /// How many places the questions over time windows of one caller may take, where that is limited.
    share: Option<usize>,
    shares: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _any: OwnedSemaphorePermit,
    _unreserved: Option<OwnedSemaphorePermit>,
    _share: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(super) fn new(size: u32, sharing: Sharing) -> Self {
        let places = usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS);
        let (unreserved, share) = match sharing {
            Sharing::FirstCome => (None, None),
            Sharing::Fair => {
                (places.checked_sub(1).filter(|rest| *rest > 0), Some((places / 2).max(1)).filter(|_| places > 1))
            }
        };
        Self {
            size,
            all: Arc::new(Semaphore::new(places)),
            unreserved: unreserved.map(|places| Arc::new(Semaphore::new(places))),
            share,
            shares: Mutex::default(),
        }
    }

    /// How many places there are.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Takes a place, once there is one.
    ///
    /// # Errors
    /// After `max_wait`: [`DbError::CallerBusy`] where others would get one, else that the pool timed out.
    pub(super) async fn take(&self, purpose: &Purpose, max_wait: Duration) -> Result<Place, DbError> {
        let until = Instant::now() + max_wait;
        let share = match (purpose, self.share) {
            (Purpose::Window(caller), Some(most)) => {
                let share = timeout_at(until, self.share_of(caller, most).acquire_owned()).await;
                Some(share.map_err(|_| if self.is_full() { timed_out() } else { DbError::CallerBusy })?)
            }
            _ => None,
        };
        let unreserved = match &self.unreserved {
            Some(places) if *purpose != Purpose::Urgent => {
                Some(timeout_at(until, Arc::clone(places).acquire_owned()).await.map_err(|_| timed_out())?)
            }
            _ => None,
        };
        let any = timeout_at(until, Arc::clone(&self.all).acquire_owned()).await.map_err(|_| timed_out())?;
        Ok(Place {
            _any: any.map_err(closed)?,
            _unreserved: unreserved.transpose().map_err(closed)?,
            _share: share.transpose().map_err(closed)?,
        })
    }

    /// Waits until the server is done with all statements, at most for `max_wait`.
    pub(super) async fn all_free(&self, max_wait: Duration) {
        let _ = timeout(max_wait, self.all.acquire_many(self.size)).await;
    }

    fn is_full(&self) -> bool {
        self.unreserved.as_ref().unwrap_or(&self.all).available_permits() == 0
    }

    fn share_of(&self, caller: &str, most: usize) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() > REMEMBERED_CALLERS {
            // A place that is taken or waited for holds its semaphore.
            shares.retain(|_, share| Arc::strong_count(share) > 1);
        }
        if let Some(share) = shares.get(caller) {
            return Arc::clone(share);
        }
        let share = Arc::new(Semaphore::new(most));
        shares.insert(caller.to_owned(), Arc::clone(&share));
        share
    }
}

fn timed_out() -> DbError {
    DbError::Database(sqlx::Error::PoolTimedOut)
}

fn closed(_: tokio::sync::AcquireError) -> DbError {
    DbError::Database(sqlx::Error::PoolClosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(caller: &str) -> Purpose {
        Purpose::Window(caller.to_owned())
    }

    async fn take(places: &Places, purpose: &Purpose) -> Result<Place, DbError> {
        places.take(purpose, Duration::ZERO).await
    }

    /// As many places as there are for this.
    async fn take_all(places: &Places, purpose: &Purpose) -> Vec<Place> {
        let mut taken = Vec::new();
        while let Ok(place) = take(places, purpose).await {
            taken.push(place);
        }
        taken
    }

    #[tokio::test]
    async fn one_place_is_reserved_and_one_caller_gets_half() {
        // size, of one caller, of lookups, of anything
        for (size, share, unreserved) in [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3), (10, 5, 9)] {
            let places = Places::new(size, Sharing::Fair);
            let alice = take_all(&places, &window("alice")).await;
            assert_eq!(alice.len(), share, "of {size}, alice's windows");
            let refused = take(&places, &window("alice")).await.expect_err("a share that is used up");
            let full = share == unreserved;
            assert_eq!(matches!(refused, DbError::CallerBusy), !full, "of {size}: {refused}");
            let others = take_all(&places, &Purpose::Lookup).await;
            assert_eq!(others.len(), unreserved - share, "of {size}, lookups");
            let reserve = take_all(&places, &Purpose::Urgent).await;
            assert_eq!(reserve.len() + unreserved, usize::try_from(size).expect("small"), "of {size}, the reserve");
            drop((alice, others, reserve));
            assert_eq!(take_all(&places, &Purpose::Urgent).await.len(), usize::try_from(size).expect("small"));
        }
    }

    #[tokio::test]
    async fn callers_do_not_share_their_shares_and_first_come_knows_none() {
        let places = Places::new(10, Sharing::Fair);
        let alice = take_all(&places, &window("alice")).await;
        assert_eq!(take_all(&places, &window("bob")).await.len(), 4, "what alice and the reserve left");
        drop(alice);
        assert_eq!(take_all(&places, &window("bob")).await.len(), 5);
        let places = Places::new(4, Sharing::FirstCome);
        assert_eq!(take_all(&places, &window("alice")).await.len(), 4);
    }

    #[tokio::test]
    async fn callers_who_hold_nothing_are_forgotten() {
        let places = Places::new(4, Sharing::Fair);
        let held = take(&places, &window("alice")).await.expect("a place");
        for number in 0..1_000 {
            drop(take(&places, &window(&number.to_string())).await.expect("a place"));
        }
        let remembered = places.shares.lock().expect("no panic").len();
        assert!(remembered <= REMEMBERED_CALLERS + 2, "{remembered} are remembered");
        let second = take(&places, &window("alice")).await.expect("her second place");
        assert!(take(&places, &window("alice")).await.is_err(), "alice was forgotten while she held a place");
        drop((held, second));
    }
}
