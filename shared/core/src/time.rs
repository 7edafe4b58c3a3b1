//! Time windows, and days in a time zone.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::Serialize;

/// The most days of a window that a caller may ask for.
pub const MAX_DAYS: u32 = 366;

/// A half-open span of time: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeWindow {
    /// The first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it.
    pub end: DateTime<Utc>,
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
