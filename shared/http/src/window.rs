//! Time windows: half-open, in UTC, never longer than 366 days.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::Bounded;
use traceability_core::time::MAX_DAYS;
use traceability_core::time::TimeWindow;
use utoipa::IntoParams;

pub use traceability_queries::filter::instant;

use super::caching::CachePolicy;
use super::error::ParameterProblem;

/// Which days a question is about: the last `days`, or an explicit window.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WindowParams {
    /// The last so many days, up to this moment; 30 if no dates are given. Not together with `start_date` or `end_date`.
    // No `default` in the document: a page that fills it in would send it beside the dates.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 365)]
    pub days: Option<Bounded<1, 365>>,
    /// The start of the window, which belongs to it: RFC 3339 (no offset means UTC), or a date, which means the start
    /// of that day in `timezone`.
    #[param(value_type = Option<String>, example = "2026-11-01")]
    pub start_date: Option<Moment>,
    /// The end of the window, which does not belong to it; now, if not given. For all of November: `start_date=2026-11-01`
    /// and `end_date=2026-12-01`. A window has 366 days at most.
    #[param(value_type = Option<String>, example = "2026-12-01")]
    pub end_date: Option<Moment>,
    /// The IANA time zone in which days begin.
    #[serde(default)]
    #[param(value_type = Option<String>, default = "UTC", example = "Europe/Berlin")]
    pub timezone: TimeZone,
}

impl WindowParams {
    /// The window that is meant, `now` being now.
    ///
    /// # Errors
    /// [`ParameterProblem`] for a contradiction, a reversed window or one of more than 366 days.
    pub fn window(&self, now: DateTime<Utc>) -> Result<TimeWindow, ParameterProblem> {
        let days = self.days.map_or(30, |days| days.0);
        if self.days.is_some() && (self.start_date.is_some() || self.end_date.is_some()) {
            return Err(ParameterProblem::new("days", "must not be combined with start_date or end_date"));
        }
        resolve(self.start_date, self.end_date, self.timezone, days, now)
    }

    /// How an answer about the window may be kept.
    #[must_use]
    pub fn cache_policy(&self) -> CachePolicy {
        cache_policy(self.end_date, self.timezone)
    }
}

/// How an answer about a window with this end may be kept: one that ends when it is asked for is another each time.
#[must_use]
pub fn cache_policy(end: Option<Moment>, zone: TimeZone) -> CachePolicy {
    end.map_or(CachePolicy::NoStore, |end| CachePolicy::RevalidateAfter(end.instant(zone.0)))
}

/// The window from `start` to `end`; without an end it ends `now`, without a start it has `default_days`.
///
/// # Errors
/// [`ParameterProblem`] for a reversed window or one of more than 366 days.
pub fn resolve(
    start: Option<Moment>,
    end: Option<Moment>,
    zone: TimeZone,
    default_days: u32,
    now: DateTime<Utc>,
) -> Result<TimeWindow, ParameterProblem> {
    let end = end.map_or(now, |end| end.instant(zone.0));
    let start = start.map_or(end - Duration::days(default_days.into()), |start| start.instant(zone.0));
    if start >= end {
        return Err(ParameterProblem::new(
            "end_date",
            "must be after start_date, and a start_date without an end_date must lie in the past; the end is exclusive: \
             for a single day give the next day",
        ));
    }
    // In a zone whose clocks change, 366 days can be an hour longer.
    if end - start > Duration::days(MAX_DAYS.into()) + Duration::hours(1) {
        return Err(ParameterProblem::new("start_date", format!("must be at most {MAX_DAYS} days before end_date")));
    }
    Ok(TimeWindow { start, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_is_forward_and_bounded(start in 0i64..4_000_000_000, length in -1_000_000i64..40_000_000) {
            let at = |seconds| Moment::Instant(DateTime::from_timestamp(seconds, 0).expect("in range"));
            let window = resolve(Some(at(start)), Some(at(start + length)), TimeZone::default(), 30, Utc::now());
            match window {
                Ok(window) => {
                    prop_assert!(window.start < window.end);
                    prop_assert!(window.end - window.start <= Duration::days(367));
                }
                Err(_) => prop_assert!(length <= 0 || length > 366 * 86_400),
            }
        }
    }
}
