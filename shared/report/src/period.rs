//! What time a report is about: whole days, weeks or months of a time zone, or any window.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use traceability_core::choice;
use traceability_core::time::TimeWindow;
use traceability_core::time::{day_of, start_of_day};

choice! {
    /// How long a report's time is.
    Period as "ReportPeriod" {
        /// A day.
        Day = "day",
        /// A week, from Monday on.
        Week = "week",
        /// A calendar month.
        Month = "month",
    }
}

/// A window of time in a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What it is made of; `None` for any other window.
    pub period: Option<Period>,
    /// From when to when.
    pub window: TimeWindow,
    /// Where days begin.
    pub zone: Tz,
}

impl Period {
    /// The day that begins the period of a day.
    fn first(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the one so many periods later.
    fn shifted(self, first: NaiveDate, by: i32) -> NaiveDate {
        let n = by.unsigned_abs();
        let moved = match (self, by < 0) {
            (Self::Day, true) => first.checked_sub_days(Days::new(n.into())),
            (Self::Day, false) => first.checked_add_days(Days::new(n.into())),
            (Self::Week, true) => first.checked_sub_days(Days::new(7 * u64::from(n))),
            (Self::Week, false) => first.checked_add_days(Days::new(7 * u64::from(n))),
            (Self::Month, true) => first.checked_sub_months(Months::new(n)),
            (Self::Month, false) => first.checked_add_months(Months::new(n)),
        };
        moved.unwrap_or(first)
    }
}

impl Span {
    /// The last whole period that was over at `now`.
    #[must_use]
    pub fn last(period: Period, zone: Tz, now: DateTime<Utc>) -> Self {
        Self::of(period, zone, period.shifted(period.first(day_of(now, zone)), -1))
    }

    /// The period to which a day belongs.
    #[must_use]
    pub fn of(period: Period, zone: Tz, day: NaiveDate) -> Self {
        let first = period.first(day);
        Self { period: Some(period), window: days(first, period.shifted(first, 1), zone), zone }
    }

    /// Any window; that of a whole day, week or month is one.
    #[must_use]
    pub fn between(window: TimeWindow, zone: Tz) -> Self {
        let first = day_of(window.start, zone);
        let whole = [Period::Day, Period::Week, Period::Month]
            .into_iter()
            .map(|period| Self::of(period, zone, first))
            .find(|span| span.window == window);
        whole.unwrap_or(Self { period: None, window, zone })
    }

    /// The days on which it begins and after which it ends, if those are where it begins and ends.
    #[must_use]
    pub fn whole_days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let (first, end) = (day_of(self.window.start, self.zone), day_of(self.window.end, self.zone));
        (days(first, end, self.zone) == self.window).then_some((first, end))
    }

    /// The one before: the period before, as many days, or as long a time.
    #[must_use]
    pub fn previous(&self) -> Self {
        if let Some(period) = self.period {
            return Self::of(period, self.zone, period.shifted(day_of(self.window.start, self.zone), -1));
        }
        let window = if let Some((first, end)) = self.whole_days() {
            let before = first.checked_sub_days(Days::new((end - first).num_days().unsigned_abs())).unwrap_or(first);
            days(before, first, self.zone)
        } else {
            let TimeWindow { start, end } = self.window;
            TimeWindow { start: start - (end - start), end: start }
        };
        Self { period: None, window, zone: self.zone }
    }

    /// The same time a month ago. Of a week that is the week four weeks ago, which has the same weekdays.
    #[must_use]
    pub fn month_ago(&self) -> Self {
        self.ago(1, 4)
    }

    /// The same time a year ago. Of a week that is the week 52 weeks ago.
    #[must_use]
    pub fn year_ago(&self) -> Self {
        self.ago(12, 52)
    }

    fn ago(&self, months: u32, weeks: i32) -> Self {
        let back = |day: NaiveDate| day.checked_sub_months(Months::new(months)).unwrap_or(day);
        let first = day_of(self.window.start, self.zone);
        match (self.period, self.whole_days()) {
            (Some(Period::Week), _) => Self::of(Period::Week, self.zone, Period::Week.shifted(first, -weeks)),
            // The day itself: two days of which one month has one only become the same.
            (Some(period), _) => Self::of(period, self.zone, back(first)),
            (None, Some((first, end))) => {
                let length = Days::new((end - first).num_days().unsigned_abs());
                let end = back(first).checked_add_days(length).unwrap_or(end);
                Self { period: None, window: days(back(first), end, self.zone), zone: self.zone }
            }
            (None, None) => {
                let moved = |instant: DateTime<Utc>| instant.checked_sub_months(Months::new(months)).unwrap_or(instant);
                let start = moved(self.window.start);
                let window = TimeWindow { start, end: start + (self.window.end - self.window.start) };
                Self { period: None, window, zone: self.zone }
            }
        }
    }

    /// How it is called: `2026-11-03`, `2026-W45`, `2026-11`, or from when to when.
    #[must_use]
    pub fn label(&self) -> String {
        let first = day_of(self.window.start, self.zone);
        match self.period {
            Some(Period::Day) => first.format("%Y-%m-%d").to_string(),
            Some(Period::Week) => first.format("%G-W%V").to_string(),
            Some(Period::Month) => first.format("%Y-%m").to_string(),
            None => format!("{} to {}", self.edge(self.window.start), self.edge(self.window.end)),
        }
    }

    /// An edge: the day where it is a day's first instant.
    fn edge(&self, instant: DateTime<Utc>) -> String {
        let day = day_of(instant, self.zone);
        if start_of_day(day, self.zone) == instant {
            return day.format("%Y-%m-%d").to_string();
        }
        instant.with_timezone(&self.zone).format("%Y-%m-%d %H:%M").to_string()
    }
}

/// From the start of one day to that of another.
fn days(first: NaiveDate, end: NaiveDate, zone: Tz) -> TimeWindow {
    TimeWindow { start: start_of_day(first, zone), end: start_of_day(end, zone) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [Tz; 5] =
        [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kolkata];

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn hours(span: &Span) -> f64 {
        (span.window.end - span.window.start).as_seconds_f64() / 3600.0
    }

    #[test]
    fn days_have_23_to_25_hours() {
        for (date, zone, length) in [
            ("2026-03-29", Tz::Europe__Berlin, 23.0),
            ("2026-10-25", Tz::Europe__Berlin, 25.0),
            ("2026-03-08", Tz::America__New_York, 23.0),
            ("2026-11-01", Tz::America__New_York, 25.0),
            ("2026-04-05", Tz::Australia__Lord_Howe, 24.5),
            ("2026-10-04", Tz::Australia__Lord_Howe, 23.5),
            // The clocks went forward at midnight: the day began at one o'clock.
            ("2026-09-06", Tz::America__Santiago, 23.0),
        ] {
            let span = Span::of(Period::Day, zone, day(date));
            assert!((hours(&span) - length).abs() < f64::EPSILON, "{date} in {zone} has {} hours", hours(&span));
        }
    }

    #[test]
    fn times_have_names_and_others_before_them() {
        for (period, date, label, previous, month_ago, year_ago) in [
            (Period::Day, "2024-02-29", "2024-02-29", "2024-02-28", "2024-01-29", "2023-02-28"),
            (Period::Day, "2026-03-31", "2026-03-31", "2026-03-30", "2026-02-28", "2025-03-31"),
            (Period::Week, "2026-11-26", "2026-W48", "2026-W47", "2026-W44", "2025-W48"),
            // The week of the new year is the old year's last.
            (Period::Week, "2027-01-01", "2026-W53", "2026-W52", "2026-W49", "2026-W01"),
            (Period::Month, "2026-03-31", "2026-03", "2026-02", "2026-02", "2025-03"),
            (Period::Month, "2026-01-01", "2026-01", "2025-12", "2025-12", "2025-01"),
        ] {
            let span = Span::of(period, Tz::Europe__Berlin, day(date));
            let labels = [&span, &span.previous(), &span.month_ago(), &span.year_ago()].map(Span::label);
            assert_eq!(labels, [label, previous, month_ago, year_ago], "{date}");
        }
    }

    #[test]
    fn the_last_period_is_the_one_that_is_over() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        for (period, now, zone, label) in [
            (Period::Day, "2026-11-25T23:30:00Z", Tz::Europe__Berlin, "2026-11-25"),
            (Period::Day, "2026-11-25T22:30:00Z", Tz::Europe__Berlin, "2026-11-24"),
            (Period::Week, "2026-11-23T00:00:00Z", Tz::UTC, "2026-W47"),
            (Period::Week, "2026-11-22T23:59:59Z", Tz::UTC, "2026-W46"),
            (Period::Month, "2026-03-01T04:59:59Z", Tz::America__New_York, "2026-01"),
            (Period::Month, "2026-03-01T05:00:00Z", Tz::America__New_York, "2026-02"),
        ] {
            assert_eq!(Span::last(period, zone, at(now)).label(), label, "{now}");
        }
    }

    #[test]
    fn other_windows_are_compared_with_as_long_ones() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let ten_days = TimeWindow { start: at("2026-10-19T22:00:00Z"), end: at("2026-10-29T23:00:00Z") };
        let span = Span::between(ten_days, Tz::Europe__Berlin);
        assert_eq!(span.label(), "2026-10-20 to 2026-10-30");
        assert_eq!(span.previous().label(), "2026-10-10 to 2026-10-20");
        assert_eq!(span.month_ago().label(), "2026-09-20 to 2026-09-30");
        let odd =
            Span::between(TimeWindow { start: at("2026-11-01T10:00:00Z"), end: at("2026-11-01T12:30:00Z") }, Tz::UTC);
        assert_eq!(odd.previous().label(), "2026-11-01 07:30 to 2026-11-01 10:00");
        assert_eq!(odd.year_ago().label(), "2025-11-01 10:00 to 2025-11-01 12:30");
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_without_a_gap(days in 0i64..30_000, zone in 0usize..ZONES.len(), kind in 0usize..3) {
            let zone = ZONES[zone];
            let period = [Period::Day, Period::Week, Period::Month][kind];
            let date = NaiveDate::default() + chrono::TimeDelta::days(days);
            let span = Span::of(period, zone, date);
            prop_assert_eq!(span.previous().window.end, span.window.start);
            prop_assert!(span.window.start < span.window.end);
            prop_assert_eq!(Span::between(span.window, zone), span);
            prop_assert_eq!(Span::last(period, zone, span.window.end), span);
            let (first, end) = span.whole_days().expect("whole days");
            let expected = match period {
                Period::Day => 1..=1,
                Period::Week => 7..=7,
                Period::Month => 28..=31,
            };
            prop_assert!(expected.contains(&(end - first).num_days()));
            prop_assert!(first <= date && date < end);
        }
    }
}
