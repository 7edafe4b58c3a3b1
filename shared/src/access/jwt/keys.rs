//! The issuer's keys, kept by the clock on the wall: an idle function's other clock stands still.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use super::fetch::Issuer;
use super::key_set::{KeySet, Missing, Wanted};
use super::{Invalid, Refused};

/// How long keys are used without asking again.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// How long they are used while the issuer does not answer.
const USABLE: TimeDelta = TimeDelta::hours(24);
/// How often the issuer is asked because of a key that it did not have: anybody can make one up.
const SEARCH_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// How often an issuer that does not answer is asked.
const RETRY_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// What is known of an issuer's keys.
pub(super) struct Keys {
    issuer: Issuer,
    known: RwLock<Arc<Known>>,
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
        Self { issuer, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// The key for a token.
    pub(super) async fn find(self: &Arc<Self>, wanted: Wanted, now: DateTime<Utc>) -> Result<DecodingKey, Refused> {
        let mut known = self.known();
        if known.asks_for_more(&wanted, now) {
            let (keys, seen, searching) = (Arc::clone(self), known.fetches, known.is_fresh(now));
            // A task of its own: a caller that hangs up must not take the fetch from the others who wait for it.
            let fetch = tokio::spawn(async move { keys.fetch(seen, searching, now).await });
            known = fetch.await.map_err(|_| Refused::Unverifiable("the fetch broke off".into()))?;
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
