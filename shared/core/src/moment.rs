//! Points in time and time zones, as a person writes them.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::parameter;
use crate::scalar::Scalar;
use crate::time::start_of_day;

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
    let repaired = if offset_lost { format!("{head}+{}", tail.trim_start()) } else { text.to_owned() };
    if let Ok(instant) = DateTime::parse_from_rfc3339(&repaired) {
        return Some(Moment::Instant(instant.to_utc()));
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&repaired, format).ok())
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
        fn any_text_is_a_moment_or_an_error(text: String) {
            let _ = text.parse::<Moment>();
        }
    }
}
