//! Time windows: half-open, in UTC, never longer than 366 days.

use std::str::FromStr;

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;

use super::error::ParameterProblem;
use crate::db::Work;
use crate::parameter;
pub use crate::queries::filter::{TimeWindow, instant};
use crate::scalar::{Bounded, Scalar};

/// The longest window.
pub const MAX_DAYS: u32 = 366;

/// A point in time as a parameter: an instant, or the start of a day in the caller's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Moment {
    /// RFC 3339; without an offset it is UTC.
    Instant(DateTime<Utc>),
    /// `YYYY-MM-DD`.
    Day(NaiveDate),
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ALLOWED: &str = "must be a date such as 2026-11-01, or an RFC 3339 time such as 2026-11-01T09:30:00Z or \
                               2026-11-01T09:30:00+02:00 (no offset means UTC), in the years 1970 to 9999";
        parse_moment(text.trim()).filter(Self::is_sane).ok_or(ALLOWED)
    }
}

parameter!(Moment);

fn parse_moment(text: &str) -> Option<Moment> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Moment::Day(day));
    }
    // A `+` that was not percent-encoded arrives as a space.
    let (head, tail) = text.split_at_checked(text.len().saturating_sub(6))?;
    let offset_lost = tail.starts_with(' ') && tail.as_bytes().get(3) == Some(&b':') && head.contains(':');
    let mended = if offset_lost { format!("{head}+{}", tail.trim_start()) } else { text.to_owned() };
    if let Ok(instant) = DateTime::parse_from_rfc3339(&mended) {
        return Some(Moment::Instant(instant.to_utc()));
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&mended, format).ok())
        .map(|naive| Moment::Instant(naive.and_utc()))
}

impl Moment {
    /// The instant; a day's is its first in `zone`.
    #[must_use]
    pub fn instant(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => start_of_day(day, zone),
        }
    }

    /// PostgreSQL and chrono reach further, frontends do not.
    fn is_sane(&self) -> bool {
        let year = chrono::Datelike::year(&match self {
            Self::Instant(instant) => instant.date_naive(),
            Self::Day(day) => *day,
        });
        (1970..=9999).contains(&year)
    }
}

/// The first instant of a day in a zone. Where midnight does not exist, because the clocks go forward then, it is the
/// first instant that does.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    first_instant(day.and_time(NaiveTime::MIN), zone)
}

/// The first instant at or after a local time.
fn first_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    (0..=48)
        .find_map(|half_hours| zone.from_local_datetime(&(local + Duration::minutes(30 * half_hours))).earliest())
        .map_or_else(|| local.and_utc(), |instant| instant.to_utc())
}

/// The day in `zone` to which an instant belongs.
#[must_use]
pub fn day_of(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The day after.
#[must_use]
pub fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(pub Tz);

impl Default for TimeZone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Serialize for TimeZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl FromStr for TimeZone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            // Comparing takes as long as the text is; no zone's name is nearly this long.
            let text = text.chars().take(60).collect::<String>().to_lowercase();
            let similarity = |zone: &Tz| strsim::jaro_winkler(&text, &zone.name().to_lowercase());
            let nearest = chrono_tz::TZ_VARIANTS.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
            let nearest = nearest.map_or("UTC", |zone| zone.name());
            format!("must be an IANA time zone such as Europe/Berlin; did you mean {nearest}?")
        })
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    /// Null is the default, as it is no filter in the other fields of a body.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Scalar>::deserialize(deserializer)?;
        text.map_or_else(|| Ok(Self::default()), |text| text.0.parse().map_err(D::Error::custom))
    }
}

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
    if let Some(work) = Work::current() {
        work.is_over_window();
        if let Some(end) = end {
            work.ask_until(end.instant(zone.0));
        }
    }
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

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn times_are_converted_to_utc() {
        for (text, expected) in [
            ("2026-11-01T10:00:00+05:30", "2026-11-01T04:30:00Z"),
            ("2026-11-01T10:00:00 05:30", "2026-11-01T04:30:00Z"),
            ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
            ("2026-11-01T10:00:00", "2026-11-01T10:00:00Z"),
            ("2026-11-01 10:00:00.250", "2026-11-01T10:00:00.250Z"),
            ("2026-11-01T10:00", "2026-11-01T10:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
        ] {
            let moment: Moment = text.parse().expect(text);
            assert_eq!(moment.instant(Tz::UTC), instant(expected), "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01", "2026-02-30", "1969-12-31", "10000-01-01", "12:00", "é"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_day_begins_in_its_own_zone() {
        let day: Moment = "2026-11-01".parse().expect("a day");
        assert_eq!(day.instant(Tz::Asia__Kolkata), instant("2026-10-31T18:30:00Z"));
        // In Santiago the clocks went forward at midnight: the day began at one o'clock.
        let day: Moment = "2026-09-06".parse().expect("a day");
        assert_eq!(day.instant(Tz::America__Santiago), instant("2026-09-06T04:00:00Z"));
    }

    #[test]
    fn an_unknown_zone_gets_a_hint() {
        let error = "Europe/Berlim".parse::<TimeZone>().expect_err("no such zone");
        assert!(error.contains("Europe/Berlin"), "{error}");
    }

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

        #[test]
        fn any_text_is_a_moment_or_an_error(text: String) {
            let _ = text.parse::<Moment>();
        }
    }
}
