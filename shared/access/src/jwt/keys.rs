//! The issuer's keys, kept by the clock on the wall: an idle function's other clock stands still.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex as StdMutex, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use lru::LruCache;
use tokio::sync::Mutex;

use super::fetch::Issuer;
use super::key_set::{KeySet, Missing, Wanted};
use super::{Invalid, Refused};

/// How long keys are used without asking again.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// How long they are used while the issuer does not answer.
const USABLE: TimeDelta = TimeDelta::hours(24);
/// How often the issuer is asked because of a key that it did not have, each time another one: anybody can make them up. A
/// new key is found this late at most, however many are made up beside it.
const SEARCH_PAUSE: TimeDelta = TimeDelta::seconds(5);
/// How often it is asked for the same key.
const SAME_KEY_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// How many keys that the issuer did not have are remembered; the longest unasked go first.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");
/// How often an issuer that does not answer is asked.
const RETRY_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// The ids of keys that the issuer did not have, by a hash, and when it was asked. The ids themselves are the callers'
/// words, of any length.
struct MissingKeys {
    hasher: RandomState,
    requested_at: StdMutex<LruCache<u64, DateTime<Utc>>>,
}

impl MissingKeys {
    fn new() -> Self {
        Self { hasher: RandomState::new(), requested_at: StdMutex::new(LruCache::new(REMEMBERED)) }
    }

    fn has(&self, wanted: &Wanted, now: DateTime<Utc>) -> bool {
        let hash = self.hasher.hash_one(&wanted.id);
        let mut requested_at = self.requested_at.lock().unwrap_or_else(PoisonError::into_inner);
        requested_at.get(&hash).is_some_and(|at| within(SAME_KEY_PAUSE, *at, now))
    }

    fn add(&self, wanted: &Wanted, now: DateTime<Utc>) {
        let hash = self.hasher.hash_one(&wanted.id);
        self.requested_at.lock().unwrap_or_else(PoisonError::into_inner).put(hash, now);
    }
}

/// What is known of an issuer's keys.
pub(super) struct Keys {
    issuer: Issuer,
    known: RwLock<Arc<Known>>,
    missing: MissingKeys,
    /// Held while keys are fetched: many requests that miss them at once fetch them once.
    fetching: Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    /// The last keys that could be had, and when.
    keys: Option<(Arc<KeySet>, DateTime<Utc>)>,
    /// When and why the last fetch failed, if it did.
    failure: Option<(DateTime<Utc>, String)>,
    /// When the issuer was last asked for a key that it did not have.
    searched: Option<DateTime<Utc>>,
    /// How many fetches have ended.
    fetches: u64,
}

impl Keys {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self { issuer, known: RwLock::default(), missing: MissingKeys::new(), fetching: Mutex::default() }
    }

    /// The key for a token.
    pub(super) async fn find(self: &Arc<Self>, wanted: Wanted, now: DateTime<Utc>) -> Result<DecodingKey, Refused> {
        let mut known = self.known();
        if known.asks_for_more(&wanted, now) && !(known.is_fresh(now) && self.missing.has(&wanted, now)) {
            let (keys, seen, searching) = (Arc::clone(self), known.fetches, known.is_fresh(now));
            // A task of its own: a caller that hangs up must not take the fetch from the others who wait for it.
            let fetch = tokio::spawn(async move { keys.fetch(seen, searching, now).await });
            known = fetch.await.map_err(|_| Refused::Unverifiable("the fetch broke off".into()))?;
            // A fetch that failed says nothing of a key.
            if searching && known.failure.is_none() && known.lacks(&wanted) {
                self.missing.add(&wanted, now);
            }
        }
        let found = known.usable(now).ok_or(Missing::Unknown).and_then(|keys| keys.find(&wanted).cloned());
        found.map_err(|missing| match (missing, &known.failure) {
            // The issuer may well have it.
            (Missing::Unknown, Some((_, reason))) => Refused::Unverifiable(reason.clone()),
            (Missing::Unknown, None) => Invalid::UnknownKey.into(),
            (Missing::Ambiguous, _) => Invalid::NoKeyId.into(),
            (Missing::Unfit, _) => Invalid::WrongKey.into(),
        })
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the keys, unless somebody did since `seen` fetches had ended.
    async fn fetch(&self, seen: u64, searching: bool, now: DateTime<Utc>) -> Arc<Known> {
        let _alone = self.fetching.lock().await;
        let known = self.known();
        if known.fetches != seen {
            return known;
        }
        let mut known = Known::clone(&known);
        known.fetches += 1;
        if searching {
            known.searched = Some(now);
        }
        match self.issuer.keys().await {
            Ok(keys) => {
                known.keys = Some((Arc::new(keys), now));
                known.failure = None;
            }
            Err(reason) => {
                tracing::warn!(reason, "the keys of the tokens' issuer cannot be had");
                known.failure = Some((now, reason));
            }
        }
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&known);
        known
    }
}

impl Known {
    /// Whether the issuer is to be asked before a token is judged.
    fn asks_for_more(&self, wanted: &Wanted, now: DateTime<Utc>) -> bool {
        match &self.keys {
            Some((keys, at)) if within(FRESH, *at, now) => {
                let searched = self.searched.is_some_and(|at| within(SEARCH_PAUSE, at, now));
                !searched && keys.find(wanted).is_err_and(|missing| missing == Missing::Unknown)
            }
            _ => !self.failure.as_ref().is_some_and(|(at, _)| within(RETRY_PAUSE, *at, now)),
        }
    }

    /// Whether the last keys that could be had lack that one.
    fn lacks(&self, wanted: &Wanted) -> bool {
        let found = self.keys.as_ref().map(|(keys, _)| keys.find(wanted).map(|_| ()));
        found.is_some_and(|found| found == Err(Missing::Unknown))
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.keys.as_ref().is_some_and(|(_, at)| within(FRESH, *at, now))
    }

    fn usable(&self, now: DateTime<Utc>) -> Option<&KeySet> {
        self.keys.as_ref().filter(|(_, at)| within(USABLE, *at, now)).map(|(keys, _)| &**keys)
    }
}

/// Whether less than a span lies between two moments. A clock that was set back counts as one that went on: what lies in
/// its future would never grow old.
fn within(span: TimeDelta, then: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(then).abs() < span
}
