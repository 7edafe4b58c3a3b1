//! One client's connection, and when it has lasted too long.
//!
//! hyper has a time limit for the head of an HTTP/1 request, and none for a client that sends nothing, that reads nothing,
//! or that speaks HTTP/2 and opens no stream. Here all of these are one rule over what happens on a connection, whatever
//! its protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// What is under way on a connection.
#[derive(Debug)]
pub(crate) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// By number; `None` until there is an answer.
    exchanges: HashMap<u64, Option<Delivery>>,
    next: u64,
    /// Since when nothing is under way, if nothing is.
    quiet_since: Instant,
}

/// How far an answer is delivered.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    since: Instant,
    bytes: u64,
    last: Instant,
}

/// A request and its answer, until the last of it is handed over.
#[derive(Debug)]
pub(crate) struct Exchange {
    activity: Arc<Activity>,
    number: u64,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { exchanges: HashMap::new(), next: 0, quiet_since: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came.
    pub(crate) fn begin(self: &Arc<Self>) -> Exchange {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.exchanges.insert(number, None);
        Exchange { activity: Arc::clone(self), number }
    }

    /// Whether the connection is to be closed at this moment, where one without a request may stay for `idle`.
    pub(crate) fn is_over(&self, limits: &Limits, idle: Duration, now: Instant) -> bool {
        let state = self.state();
        if state.exchanges.is_empty() {
            return now.duration_since(state.quiet_since) >= idle;
        }
        state.exchanges.values().flatten().any(|delivery| delivery.is_stuck(limits, now))
    }
}

impl Delivery {
    fn is_stuck(&self, limits: &Limits, now: Instant) -> bool {
        let most = limits.stall.as_secs_f64() + to_f64(self.bytes) / f64::from(limits.slowest_reader);
        now.duration_since(self.last) >= limits.stall || now.duration_since(self.since).as_secs_f64() >= most
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time limit does not need the last bytes")]
fn to_f64(bytes: u64) -> f64 {
    bytes as f64
}

impl Exchange {
    /// The client has taken what it was handed before, and is handed this many further bytes of the answer.
    pub(crate) fn hand_over(&self, bytes: usize) {
        self.hand_over_at(bytes, Instant::now());
    }

    /// The client has taken all that there is of the answer, and it is the server's turn.
    pub(crate) fn wait(&self) {
        if let Some(exchange) = self.activity.state().exchanges.get_mut(&self.number) {
            *exchange = None;
        }
    }

    fn hand_over_at(&self, bytes: usize, now: Instant) {
        let mut state = self.activity.state();
        if let Some(exchange) = state.exchanges.get_mut(&self.number) {
            let delivery = exchange.get_or_insert(Delivery { since: now, bytes: 0, last: now });
            delivery.last = now;
            delivery.bytes = delivery.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.exchanges.remove(&self.number);
        if state.exchanges.is_empty() {
            state.quiet_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits { stall: SECOND * 10, slowest_reader: 1_000, ..Limits::default() }
    }

    #[test]
    fn a_connection_without_a_request_is_over_after_a_while() {
        let activity = Arc::new(Activity::new());
        let is_over = |seconds| activity.is_over(&limits(), SECOND * 5, Instant::now() + SECOND * seconds);
        assert!(!is_over(4) && is_over(5));
        let (one, other) = (activity.begin(), activity.begin());
        assert!(!is_over(60), "the handler has its own deadline");
        drop(one);
        assert!(!is_over(60), "one is still under way");
        drop(other);
        assert!(!is_over(4) && is_over(5));
    }

    #[test]
    fn a_reader_that_stops_or_crawls_is_over_and_a_slow_one_is_not() {
        // bytes a second, and whether the connection ends within an hour
        for (rate, ends) in [(0, true), (10, true), (990, true), (1_001, false), (100_000, false)] {
            let activity = Arc::new(Activity::new());
            let exchange = activity.begin();
            let began = Instant::now();
            exchange.hand_over_at(0, began);
            let ended = (1..3_600).any(|second| {
                let now = began + SECOND * second;
                if rate > 0 {
                    exchange.hand_over_at(rate, now);
                }
                activity.is_over(&limits(), SECOND, now)
            });
            assert_eq!(ended, ends, "{rate} bytes a second");
        }
        let activity = Arc::new(Activity::new());
        let exchange = activity.begin();
        exchange.hand_over(1_000_000);
        exchange.wait();
        assert!(!activity.is_over(&limits(), SECOND, Instant::now() + SECOND * 60), "the client waits for the server");
        exchange.hand_over(1_000_000);
        let later = Instant::now() + SECOND * 10;
        assert!(activity.is_over(&limits(), SECOND, later), "what was read fast before does not excuse a stop");
    }
}
