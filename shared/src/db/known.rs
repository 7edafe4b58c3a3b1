//! What is known of a database's tables, and for how long.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, MutexGuard, RwLock};

use super::DatabaseKind;
use crate::facts::{Direct, NamePaths};

/// Which tables of interest a database may have.
#[derive(Clone)]
pub(super) enum Tables {
    /// LiteLLM's, whose names for agents and conversations are found in these places, and the index if it is asked for.
    Log { names: NamePaths, index: bool },
    /// The index.
    Index,
}

impl Tables {
    pub(super) const fn kind(&self) -> DatabaseKind {
        match self {
            Self::Log { .. } => DatabaseKind::Log,
            Self::Index => DatabaseKind::Index,
        }
    }
}

/// What a probe has learnt of a database.
pub(super) struct Known {
    /// The projection, where LiteLLM's log is.
    pub(super) direct: Option<Arc<Direct>>,
    /// Whether there is an index, ready or not.
    pub(super) has_index: bool,
    pub(super) learnt_at: DateTime<Utc>,
    /// Whether it was learnt by way of a pooler.
    pub(super) pooled: bool,
    /// What a transaction sets for itself then.
    pub(super) transaction_settings: String,
}

/// How long it is taken as it was. LiteLLM's upgrades add columns while this service runs, and some of them limit keys. By
/// the wall clock: a function's other clock stands still while Lambda freezes it.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// An index that was not there is looked for again after this time.
const LOOK_FOR_INDEX: TimeDelta = TimeDelta::seconds(20);

impl Known {
    fn is_current(&self, tables: &Tables, pooled: bool, now: DateTime<Utc>) -> bool {
        let may_come = matches!(tables, Tables::Index | Tables::Log { index: true, .. }) && !self.has_index;
        let lifetime = if may_come { LOOK_FOR_INDEX } else { FRESH };
        // A clock that was set back counts as one that went on.
        self.pooled == pooled && now.signed_duration_since(self.learnt_at).abs() < lifetime
    }
}

/// What is known of one database.
#[derive(Default)]
pub(super) struct Catalogue {
    known: RwLock<Option<Arc<Known>>>,
    probing: Mutex<()>,
}

impl Catalogue {
    /// What is known, unless it is out of date or was learnt by another kind of connection.
    pub(super) async fn known(&self, tables: &Tables, pooled: bool, now: DateTime<Utc>) -> Option<Arc<Known>> {
        self.known.read().await.clone().filter(|known| known.is_current(tables, pooled, now))
    }

    /// Lets the caller probe while others wait for what it learns.
    pub(super) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.probing.lock().await
    }

    pub(super) async fn learn(&self, known: Arc<Known>) {
        *self.known.write().await = Some(known);
    }

    pub(super) async fn forget(&self) {
        *self.known.write().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_gets_old_whatever_the_mode() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time");
        let log = |index| Tables::Log { names: NamePaths::default(), index };
        for (tables, has_index, lifetime) in [
            (log(false), false, 60),
            (log(true), false, 20),
            (log(true), true, 60),
            (Tables::Index, false, 20),
            (Tables::Index, true, 60),
        ] {
            let known =
                Known { direct: None, has_index, learnt_at: at(0), pooled: false, transaction_settings: String::new() };
            for (second, current) in [(0, true), (lifetime - 1, true), (lifetime, false), (-lifetime, false)] {
                assert_eq!(known.is_current(&tables, false, at(second)), current, "{has_index} after {second} s");
                assert!(!known.is_current(&tables, true, at(second)), "by way of a pooler");
            }
        }
    }
}
