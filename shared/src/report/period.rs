//! What time a report is about: whole days, weeks or months of a time zone, or any window.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::api::window::{day_of, start_of_day};
use crate::choice;
use crate::facts::TimeWindow;

choice! {
    /// How long a report's time is.
    Period {
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
