//! Principals that were looked up a moment ago, so that a login costs no query on most requests.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;

use super::{Principal, service_keys::KeyHash};

/// How long a principal is taken from here. A key that LiteLLM revokes is dead within this time. It is the wall clock's: a
/// function's other clock stands still while Lambda freezes it.
const LIFETIME: TimeDelta = TimeDelta::seconds(30);
/// How many are remembered; the least used go first.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// By the hash of what they proved themselves with, which is therefore not kept.
pub(super) struct PrincipalCache(Mutex<LruCache<KeyHash, Entry>>);

struct Entry {
    principal: Arc<Principal>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl PrincipalCache {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// The principal, if it is known at `now`. A clock that was set back makes everything unknown.
    pub(super) fn get(&self, hash: &KeyHash, now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(hash)?;
        (entry.from <= now && now < entry.until).then(|| Arc::clone(&entry.principal))
    }

    /// Remembers what was true at `now`, and is until `end` at most.
    pub(super) fn put(&self, hash: KeyHash, principal: Arc<Principal>, now: DateTime<Utc>, end: Option<DateTime<Utc>>) {
        let until = end.map_or(now + LIFETIME, |end| end.min(now + LIFETIME));
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.put(hash, Entry { principal, from: now, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ContentRight, Login};
    use traceability_core::scope::Scope;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    fn someone() -> Arc<Principal> {
        Arc::new(Principal {
            login: Login::LitellmKey,
            name: "alice".into(),
            key: None,
            scope: Scope::AllRows,
            content: ContentRight::All,
        })
    }

    #[test]
    fn a_principal_is_known_for_half_a_minute_of_the_wall_clock() {
        let cache = PrincipalCache::new();
        cache.put([1; 32], someone(), at(0), None);
        for (second, known) in [(0, true), (29, true), (30, false), (3_000, false), (-1, false), (10, true)] {
            assert_eq!(cache.get(&[1; 32], at(second)).is_some(), known, "{second}");
        }
        assert!(cache.get(&[2; 32], at(0)).is_none());
    }

    #[test]
    fn no_longer_than_it_lasts() {
        let cache = PrincipalCache::new();
        cache.put([1; 32], someone(), at(0), Some(at(5)));
        assert!(cache.get(&[1; 32], at(4)).is_some() && cache.get(&[1; 32], at(5)).is_none());
        cache.put([1; 32], someone(), at(0), Some(at(500)));
        assert!(cache.get(&[1; 32], at(30)).is_none());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let cache = PrincipalCache::new();
        for number in 0..20_000_u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            cache.put(hash, someone(), at(0), None);
        }
        assert_eq!(cache.0.lock().expect("not poisoned").len(), CAPACITY.get());
    }
}
