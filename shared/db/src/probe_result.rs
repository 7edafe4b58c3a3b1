//! What is known of a server's tables, and for how long.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, MutexGuard, RwLock};

/// What a probe has learnt of a server.
pub struct ProbeResult<T> {
    /// Of its tables.
    pub tables: T,
    pub(super) learnt_at: DateTime<Utc>,
    /// Whether it was learnt by way of a pooler.
    pub(super) pooled: bool,
    /// What a transaction sets for itself then.
    pub(super) transaction_settings: String,
}

impl<T> ProbeResult<T> {
    fn is_current(&self, lifetime: TimeDelta, pooled: bool, now: DateTime<Utc>) -> bool {
        // A clock that was set back counts as one that went on.
        self.pooled == pooled && now.signed_duration_since(self.learnt_at).abs() < lifetime
    }
}

/// What is known of one server.
pub(super) struct Catalogue<T> {
    probed: RwLock<Option<Arc<ProbeResult<T>>>>,
    probing: Mutex<()>,
}

impl<T> Catalogue<T> {
    pub(super) fn new() -> Self {
        Self { probed: RwLock::new(None), probing: Mutex::new(()) }
    }

    /// What is known, unless it is older than it may get or was learnt by another kind of connection.
    pub(super) async fn current(
        &self,
        lifetime: impl Fn(&T) -> TimeDelta,
        pooled: bool,
        now: DateTime<Utc>,
    ) -> Option<Arc<ProbeResult<T>>> {
        self.probed.read().await.clone().filter(|probed| probed.is_current(lifetime(&probed.tables), pooled, now))
    }

    /// Lets the caller probe while others wait for what it learns.
    pub(super) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.probing.lock().await
    }

    pub(super) async fn learn(&self, probed: Arc<ProbeResult<T>>) {
        *self.probed.write().await = Some(probed);
    }

    pub(super) async fn forget(&self) {
        *self.probed.write().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_gets_old_by_the_wall_clock() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time");
        let probed = ProbeResult { tables: (), learnt_at: at(0), pooled: false, transaction_settings: String::new() };
        for lifetime in [20, 60] {
            for (second, current) in [(0, true), (lifetime - 1, true), (lifetime, false), (-lifetime, false)] {
                assert_eq!(probed.is_current(TimeDelta::seconds(lifetime), false, at(second)), current, "{second} s");
                let pooled = probed.is_current(TimeDelta::seconds(lifetime), true, at(second));
                assert!(!pooled, "by way of a pooler");
            }
        }
    }
}
