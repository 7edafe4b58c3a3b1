//! Those who want something of the database, which has others to serve: they have their turns in the order in which they
//! came.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

/// What is left for delivering when the database has had its time.
const RESERVED: Duration = Duration::from_secs(15);

/// The queue of a run.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    turn: Mutex<()>,
    /// Those who have a place, the one whose turn it is among them.
    places: AtomicU32,
}

/// A place in the queue, which is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Place<'q>(&'q Queue);

/// Somebody's turn, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'q> {
    /// How long it may take.
    pub(crate) time: Duration,
    _guard: MutexGuard<'q, ()>,
    _place: Place<'q>,
}

impl Queue {
    /// A place for somebody who may want a turn.
    pub(crate) fn place(&self) -> Place<'_> {
        self.places.fetch_add(1, Ordering::Relaxed);
        Place(self)
    }
}

impl<'q> Place<'q> {
    /// Waits for one's turn. It may take half of the time that is left, or all of it where nobody is behind: one that the
    /// database never answers leaves something for the others.
    pub(crate) async fn turn(self, deadline: Instant) -> Turn<'q> {
        let queue = self.0;
        let turn = queue.turn.lock().await;
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVED);
        let is_last = queue.places.load(Ordering::Relaxed) == 1;
        Turn { time: if is_last { left } else { left / 2 }, _guard: turn, _place: self }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.places.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_last_may_take_all_the_time() {
        let queue = Queue::default();
        let deadline = Instant::now() + RESERVED + Duration::from_secs(1_000);
        let [first, second, third] = [queue.place(), queue.place(), queue.place()];
        let turn = first.turn(deadline).await;
        assert!((490..=500).contains(&turn.time.as_secs()), "{:?}", turn.time);
        // Who needs no turn is not waited for.
        drop(third);
        let waiting = tokio::time::timeout(Duration::from_millis(20), second.turn(deadline)).await;
        assert!(waiting.is_err(), "it is not the second one's turn");
        drop(turn);
        let turn = queue.place().turn(deadline).await;
        assert!(turn.time.as_secs() >= 900, "{:?}", turn.time);
        drop(turn);
        assert_eq!(queue.place().turn(Instant::now()).await.time, Duration::ZERO);
    }
}
