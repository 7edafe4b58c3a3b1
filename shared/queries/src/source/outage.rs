//! A server that could not be reached: requests are told so at once, and one of them tries again now and then.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How long nobody tries again. As long as clients are told to wait; longer than trying takes.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// When the server was last found out of reach, by the wall clock.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<DateTime<Utc>>>);

impl Outage {
    /// Whether trying would only be waiting. Of those who ask after the pause, the first one is to try.
    pub(super) fn spares_trying(&self, now: DateTime<Utc>) -> bool {
        let mut failed_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = *failed_at else { return false };
        let spares = now.signed_duration_since(at).abs() < PAUSE;
        if !spares {
            *failed_at = Some(now);
        }
        spares
    }

    /// It could not be reached.
    pub(super) fn goes_on(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// It could.
    pub(super) fn is_over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tries_after_each_pause() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time");
        let outage = Outage::default();
        assert!(!outage.spares_trying(at(0)) && !outage.spares_trying(at(0)), "nothing is known yet: everybody tries");
        outage.goes_on(at(1));
        for (second, spares) in [(1, true), (5, true), (6, false), (6, true), (10, true), (11, false), (-60, false)] {
            assert_eq!(outage.spares_trying(at(second)), spares, "after {second} s");
        }
        outage.is_over();
        assert!(!outage.spares_trying(at(-60)));
    }
}
