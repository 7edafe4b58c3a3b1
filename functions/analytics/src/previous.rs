//! The window that a window is compared with.

use chrono::{Days, TimeDelta};
use chrono_tz::Tz;
use traceability_core::time::{TimeWindow, day_of, start_of_day};

/// The window before: as long, or with as many days where the window is made of whole days in `zone`.
pub(crate) fn previous(window: &TimeWindow, zone: Tz) -> TimeWindow {
    let (first, last) = (day_of(window.start, zone), day_of(window.end, zone));
    let is_whole = start_of_day(first, zone) == window.start && start_of_day(last, zone) == window.end;
    let days = u64::try_from((last - first).num_days()).ok().map(Days::new);
    let day = days.filter(|_| is_whole).and_then(|days| first.checked_sub_days(days));
    let length: TimeDelta = window.end - window.start;
    TimeWindow { start: day.map_or(window.start - length, |day| start_of_day(day, zone)), end: window.start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(from: &str, to: &str, zone: Tz) -> (String, String) {
        let window = TimeWindow { start: from.parse().expect("a time"), end: to.parse().expect("a time") };
        let previous = previous(&window, zone);
        (previous.start.to_rfc3339(), previous.end.to_rfc3339())
    }

    fn pair(start: &str, end: &str) -> (String, String) {
        (start.to_owned(), end.to_owned())
    }

    #[test]
    fn it_is_as_long_and_ends_where_the_window_begins() {
        let found = before("2026-11-03T10:00:00Z", "2026-11-03T12:30:00Z", Tz::UTC);
        assert_eq!(found, pair("2026-11-03T07:30:00+00:00", "2026-11-03T10:00:00+00:00"));
    }

    #[test]
    fn of_whole_days_it_has_as_many_across_a_change_of_the_clocks() {
        // From the 26th to the 28th in Berlin; on the 25th the clocks went back.
        let (from, to) = ("2026-10-25T23:00:00Z", "2026-10-27T23:00:00Z");
        let found = before(from, to, Tz::Europe__Berlin);
        assert_eq!(found, pair("2026-10-23T22:00:00+00:00", "2026-10-25T23:00:00+00:00"));
        assert_eq!(before(from, to, Tz::UTC), pair("2026-10-23T23:00:00+00:00", "2026-10-25T23:00:00+00:00"));
    }
}
