//! Sending once: claim, send, record.
//!
//! Of each target and period there is one object, the ledger. Before something is sent, it is claimed there; afterwards,
//! it is recorded. Both writes go through only if nobody else wrote meanwhile, so that of two runs one sends. A claim ends
//! by itself: where a run dies between claiming and recording, the next one that comes later than that cannot know whether
//! the message went out, and does what the target wants in that case.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use traceability_core::clock::Clock;

use super::{Condition, Store, StoreError, Written};

/// How long a claim holds. A failed invocation is repeated after one minute and again after two: the second repetition
/// comes after this, whenever the first try died.
const CLAIM: Duration = Duration::from_mins(2);
/// How long sending may take, all attempts included. What is left of the claim is for clocks that differ.
const LONGEST_SENDING: Duration = Duration::from_secs(45);
/// What is begun with less time left could only end in doubt.
const SHORTEST_SENDING: Duration = Duration::from_secs(10);

/// What to do with a message of which nobody knows whether it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryGuarantee {
    /// Send it again: it arrives at least once.
    #[default]
    AtLeastOnce,
    /// Leave it: it arrives at most once.
    AtMostOnce,
}

/// Why a message was not sent. The texts name no address and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It certainly did not go out.
    #[error("{0}")]
    Refused(String),
    /// It may have gone out.
    #[error("{0}")]
    Unsure(String),
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// It was sent, just now.
    Now,
    /// It had been sent before.
    Before,
    /// Nobody knows whether it went out, and the target wants it no second time.
    Left,
}

/// Why a delivery has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The target did not take it.
    #[error(transparent)]
    Sending(#[from] SendError),
    /// It went out, and that could not be recorded.
    #[error("it was sent, but that cannot be recorded: {0}")]
    Recording(StoreError),
    /// Another run is at it, or died at it a moment ago.
    #[error("another run is sending it: try again after {until}")]
    Claimed {
        /// When its claim ends.
        until: DateTime<Utc>,
    },
    /// Another run was faster.
    #[error("another run is sending it: try again in some minutes")]
    Overtaken,
    /// There is too little time left to send it and to record that.
    #[error("there was no time left to send it")]
    OutOfTime,
    /// What has been sent is not known.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What has been sent to one target of one period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ledger {
    /// What was sent, and when.
    #[serde(default)]
    sent: BTreeMap<String, DateTime<Utc>>,
    /// What may have been sent, and is not to be sent again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unsure: BTreeMap<String, DateTime<Utc>>,
    /// What is being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    /// How often something was claimed.
    #[serde(default)]
    attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    run: String,
    items: Vec<String>,
    until: DateTime<Utc>,
}

impl Ledger {
    fn settles(&self, item: &str) -> bool {
        self.sent.contains_key(item) || self.unsure.contains_key(item)
    }
}

/// Sends what is missing, for one run.
#[derive(Clone)]
pub struct DeliveryLedger<'a> {
    /// Where the ledgers are.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a Clock,
    /// What tells this run from others.
    pub run: String,
}

impl DeliveryLedger<'_> {
    /// Sends those items that the ledger at `key` does not have, all at once, within `time`.
    ///
    /// # Errors
    /// [`Failed`] where they have to be tried again.
    pub async fn deliver(
        &self,
        key: &str,
        items: &[String],
        guarantee: DeliveryGuarantee,
        time: Duration,
        send: impl AsyncFnOnce(&[String]) -> Result<(), SendError>,
    ) -> Result<Delivered, Failed> {
        let (mut ledger, tag) = self.read(key).await?;
        let mut due: Vec<String> = items.iter().filter(|item| !ledger.settles(item)).cloned().collect();
        if due.is_empty() {
            return Ok(Delivered::Before);
        }
        let now = self.clock.now();
        if let Some(claim) = ledger.claim.take() {
            if claim.until > now {
                return Err(Failed::Claimed { until: claim.until });
            }
            if guarantee == DeliveryGuarantee::AtMostOnce {
                ledger.unsure.extend(claim.items.into_iter().map(|item| (item, now)));
                due.retain(|item| !ledger.settles(item));
                if due.is_empty() {
                    self.write(key, &ledger, tag.as_deref()).await?;
                    return Ok(Delivered::Left);
                }
            }
        }
        let limit = time.min(LONGEST_SENDING);
        if limit < SHORTEST_SENDING {
            return Err(Failed::OutOfTime);
        }
        let until = now + CLAIM;
        ledger.claim = Some(Claim { run: self.run.clone(), items: due.clone(), until });
        ledger.attempts += 1;
        let tag = self.write(key, &ledger, tag.as_deref()).await?;
        // Claiming took its time, too: nobody else may hold the claim before this run is done with it.
        let outcome = if self.clock.now() + limit > until {
            Err(SendError::Refused("claiming it took too long".into()))
        } else {
            let slow = || SendError::Unsure(format!("no answer within {} s", limit.as_secs()));
            timeout(limit, send(&due)).await.unwrap_or_else(|_| Err(slow()))
        };
        self.record(key, ledger, &tag, due, outcome, guarantee).await
    }

    /// Whether an item is in the ledger at `key`.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be known.
    pub async fn has(&self, key: &str, item: &str) -> Result<bool, StoreError> {
        Ok(self.read(key).await?.0.settles(item))
    }

    async fn record(
        &self,
        key: &str,
        mut ledger: Ledger,
        tag: &str,
        due: Vec<String>,
        sent: Result<(), SendError>,
        guarantee: DeliveryGuarantee,
    ) -> Result<Delivered, Failed> {
        let now = self.clock.now();
        let due = due.into_iter().map(|item| (item, now));
        ledger.claim = None;
        match sent {
            Ok(()) => ledger.sent.extend(due),
            Err(SendError::Unsure(_)) if guarantee == DeliveryGuarantee::AtMostOnce => ledger.unsure.extend(due),
            Err(_) => {}
        }
        let recorded = self.write(key, &ledger, Some(tag)).await;
        match (sent, recorded) {
            (Ok(()), Ok(_)) => Ok(Delivered::Now),
            (Err(SendError::Unsure(_)), Ok(_)) if guarantee == DeliveryGuarantee::AtMostOnce => Ok(Delivered::Left),
            (Ok(()), Err(Failed::Store(error))) => Err(Failed::Recording(error)),
            (Ok(()), Err(error)) => Err(error),
            // Where the claim could not be given back, it ends by itself.
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn read(&self, key: &str) -> Result<(Ledger, Option<String>), StoreError> {
        let Some(stored) = self.store.read(key).await? else { return Ok((Ledger::default(), None)) };
        let ledger = serde_json::from_slice(&stored.bytes)
            .map_err(|_| StoreError(format!("{key} is no ledger of what was sent: move it away")))?;
        Ok((ledger, Some(stored.tag)))
    }

    async fn write(&self, key: &str, ledger: &Ledger, tag: Option<&str>) -> Result<String, Failed> {
        let bytes = serde_json::to_vec_pretty(ledger).map_err(|error| StoreError(error.to_string()))?;
        let condition = tag.map_or(Condition::Absent, Condition::Still);
        let written = self.store.write(key, bytes.clone(), "application/json", condition).await;
        if let Ok(Written::Done(tag)) = written {
            return Ok(tag);
        }
        // An answer can be lost on its way, and the write that is repeated for it then finds the first one.
        match (self.store.read(key).await, written) {
            (Ok(Some(stored)), _) if stored.bytes == bytes => Ok(stored.tag),
            (_, Err(error)) => Err(error.into()),
            (_, Ok(_)) => Err(Failed::Overtaken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Folder;
    use std::cell::RefCell;

    const KEY: &str = "reports/week/2026-11-16_2026-11-23/UTC/chat/delivery.json";
    const MINUTE: Duration = Duration::from_mins(1);

    struct Place {
        _folder: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::Folder(Folder::new(folder.path().to_owned()));
            Self { _folder: folder, store }
        }

        async fn deliver(
            &self,
            minute: i64,
            items: &[&str],
            when: DeliveryGuarantee,
            outcome: Option<Result<(), SendError>>,
        ) -> (Result<Delivered, String>, Vec<String>) {
            let start: DateTime<Utc> = "2026-11-23T06:00:00Z".parse().expect("a time");
            let clock = Clock::fixed(start + chrono::Duration::minutes(minute));
            let ledger = DeliveryLedger { store: &self.store, clock: &clock, run: minute.to_string() };
            let items: Vec<_> = items.iter().map(|item| (*item).to_owned()).collect();
            let went_out = RefCell::new(Vec::new());
            let send = async |due: &[String]| {
                went_out.borrow_mut().extend(due.iter().cloned());
                match outcome {
                    Some(outcome) => outcome,
                    None => std::future::pending().await,
                }
            };
            let delivery = ledger.deliver(KEY, &items, when, MINUTE, send);
            // What hangs is what is killed.
            let delivered = timeout(Duration::from_millis(500), delivery).await;
            let delivered = delivered.unwrap_or(Err(Failed::OutOfTime)).map_err(|error| error.to_string());
            (delivered, went_out.into_inner())
        }
    }

    #[tokio::test]
    async fn what_was_sent_is_not_sent_again() {
        let place = Place::new();
        let sent = place.deliver(0, &["50"], DeliveryGuarantee::AtLeastOnce, Some(Ok(()))).await;
        assert_eq!(sent, (Ok(Delivered::Now), vec!["50".into()]));
        let sent = place.deliver(1, &["50"], DeliveryGuarantee::AtLeastOnce, Some(Ok(()))).await;
        assert_eq!(sent, (Ok(Delivered::Before), vec![]));
        let sent = place.deliver(2, &["50", "80"], DeliveryGuarantee::AtLeastOnce, Some(Ok(()))).await;
        assert_eq!(sent, (Ok(Delivered::Now), vec!["80".into()]));
    }

    #[tokio::test]
    async fn what_was_refused_is_tried_again_at_once() {
        for when in [DeliveryGuarantee::AtLeastOnce, DeliveryGuarantee::AtMostOnce] {
            let place = Place::new();
            let refused = SendError::Refused("answered with 500".into());
            let sent = place.deliver(0, &["report"], when, Some(Err(refused))).await;
            assert_eq!(sent.0, Err("answered with 500".into()));
            let sent = place.deliver(0, &["report"], when, Some(Ok(()))).await;
            assert_eq!(sent, (Ok(Delivered::Now), vec!["report".into()]));
        }
    }

    #[tokio::test]
    async fn a_run_that_dies_holds_others_up_until_its_claim_ends() {
        for (when, then) in
            [(DeliveryGuarantee::AtLeastOnce, Delivered::Now), (DeliveryGuarantee::AtMostOnce, Delivered::Left)]
        {
            let place = Place::new();
            assert_eq!(place.deliver(0, &["report"], when, None).await.1, vec!["report".to_owned()]);
            let (held_up, sent) = place.deliver(1, &["report"], when, Some(Ok(()))).await;
            assert!(held_up.is_err_and(|reason| reason.contains("another run")) && sent.is_empty());
            let (delivered, sent) = place.deliver(3, &["report"], when, Some(Ok(()))).await;
            assert_eq!((delivered, sent.len()), (Ok(then), usize::from(when == DeliveryGuarantee::AtLeastOnce)));
            let (delivered, sent) = place.deliver(4, &["report"], when, Some(Ok(()))).await;
            assert_eq!((delivered, sent.len()), (Ok(Delivered::Before), 0));
        }
    }

    #[tokio::test]
    async fn what_may_have_gone_out_is_sent_again_unless_the_target_wants_it_left() {
        let unsure = || Some(Err(SendError::Unsure("broke off".into())));
        let place = Place::new();
        assert!(place.deliver(0, &["report"], DeliveryGuarantee::AtLeastOnce, unsure()).await.0.is_err());
        assert_eq!(
            place.deliver(0, &["report"], DeliveryGuarantee::AtLeastOnce, Some(Ok(()))).await.0,
            Ok(Delivered::Now)
        );
        let place = Place::new();
        assert_eq!(place.deliver(0, &["report"], DeliveryGuarantee::AtMostOnce, unsure()).await.0, Ok(Delivered::Left));
        assert_eq!(
            place.deliver(0, &["report"], DeliveryGuarantee::AtMostOnce, Some(Ok(()))).await.0,
            Ok(Delivered::Before)
        );
    }
}
