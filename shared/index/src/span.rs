//! Spans of time that roll-ups exist for.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

/// A slot: a quarter of an hour of UTC, by its number since 1970. Every offset that clocks have from UTC is a multiple of it,
/// so the days and hours of any time zone are made of whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub i32);

const SECONDS: i64 = 900;

impl Slot {
    /// The slot that an instant belongs to.
    #[must_use]
    pub fn of(instant: DateTime<Utc>) -> Self {
        Self(i32::try_from(instant.timestamp().div_euclid(SECONDS)).unwrap_or(i32::MAX))
    }

    /// The first slot that begins at an instant or after it.
    #[must_use]
    pub fn from(instant: DateTime<Utc>) -> Self {
        let slot = Self::of(instant);
        if slot.start() == instant { slot } else { Self(slot.0 + 1) }
    }

    /// When it begins.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::from(self.0) * SECONDS, 0).unwrap_or_default()
    }
}

/// How long a roll-up's span is; the discriminant is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Fifteen minutes.
    Slot = 0,
    /// An hour of UTC.
    Hour = 1,
    /// A day of UTC.
    Day = 2,
    /// About a week: a quarter of a month of UTC, from its 1st, 9th, 17th and 25th day on. Real weeks would lie across the
    /// ends of months.
    QuarterMonth = 3,
    /// A month of UTC.
    Month = 4,
}

impl Level {
    /// All, the shortest first.
    pub const ALL: [Self; 5] = [Self::Slot, Self::Hour, Self::Day, Self::QuarterMonth, Self::Month];

    /// The start of the span that a slot belongs to.
    #[must_use]
    pub fn floor(self, slot: Slot) -> Slot {
        match self {
            Self::Slot => slot,
            Self::Hour => Slot(slot.0 - slot.0.rem_euclid(4)),
            Self::Day => Slot(slot.0 - slot.0.rem_euclid(96)),
            Self::QuarterMonth => {
                let day = slot.start().date_naive();
                midnight(day.with_day(first_of_quarter_month(day.day())).unwrap_or(day))
            }
            Self::Month => midnight(start_of_month(slot)),
        }
    }

    /// The start of the span after the one that a slot belongs to.
    #[must_use]
    pub fn next(self, slot: Slot) -> Slot {
        let start = self.floor(slot);
        match self {
            Self::Slot => Slot(start.0 + 1),
            Self::Hour => Slot(start.0 + 4),
            Self::Day => Slot(start.0 + 96),
            Self::QuarterMonth if start.start().day() < LAST_QUARTER_MONTH => Slot(start.0 + 8 * 96),
            Self::QuarterMonth | Self::Month => midnight(start_of_month(start) + Months::new(1)),
        }
    }
}

/// The day on which the last week of a month begins.
const LAST_QUARTER_MONTH: u32 = 25;

fn first_of_quarter_month(day: u32) -> u32 {
    ((day - 1) / 8 * 8 + 1).min(LAST_QUARTER_MONTH)
}

fn midnight(day: NaiveDate) -> Slot {
    Slot::of(day.and_time(NaiveTime::MIN).and_utc())
}

fn start_of_month(slot: Slot) -> NaiveDate {
    let day = slot.start().date_naive();
    day.with_day(1).unwrap_or(day)
}

/// Neighbouring spans of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Their length.
    pub level: Level,
    /// The start of the first.
    pub from: Slot,
    /// The end of the last.
    pub until: Slot,
}
