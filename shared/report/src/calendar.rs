//! A time, day by day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use traceability_core::dimension::Dimension;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_core::time::{day_of, next_day, start_of_day};
use traceability_db::Connection;
use traceability_facts::measures::{FAILED_REQUESTS, SPEND, TOTAL_TOKENS};
use traceability_queries::Source;
use traceability_queries::analytics::{
    Figures, GroupSelection, Grouping, Groups, MeasureSet, Measured, Question, measure,
};
use traceability_queries::filter::RequestFilter;

/// How many days are looked back over for what is usual.
pub(super) const BASELINE_DAYS: u32 = 28;
/// How many of these the log has to have.
pub(super) const LEAST_DAYS: usize = 7;

/// A day of a time zone, or the part of it that belongs to a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) day: NaiveDate,
    pub(super) window: TimeWindow,
    /// Whether it is the whole day.
    pub(super) is_whole: bool,
}

/// What happened in the parts of a time.
pub(super) struct Daily {
    pub(super) parts: Vec<Part>,
    pub(super) figures: Vec<Figures>,
}

/// The parts of the days from `start` to `end`; a day in which one of the `cuts` lies is cut there.
pub(super) fn parts(window: &TimeWindow, zone: Tz, cuts: &[DateTime<Utc>]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = window.start;
    while start < window.end {
        let day = day_of(start, zone);
        let (whole_start, whole_end) = (start_of_day(day, zone), start_of_day(next_day(day), zone));
        let cut = cuts.iter().copied().filter(|cut| *cut > start).min();
        let end = [Some(whole_end), Some(window.end), cut].into_iter().flatten().min().unwrap_or(whole_end);
        let is_whole = (start, end) == (whole_start, whole_end);
        parts.push(Part { day, window: TimeWindow { start, end }, is_whole });
        start = end;
    }
    parts
}

/// The start of the day so many days before that of `instant`.
pub(super) fn days_before(instant: DateTime<Utc>, days: u32, zone: Tz) -> DateTime<Utc> {
    let day = day_of(instant, zone);
    start_of_day(day.checked_sub_days(Days::new(days.into())).unwrap_or(day), zone)
}

impl Daily {
    /// All requests that pass the filter.
    pub(super) async fn of_all(
        conn: &mut Connection,
        source: Source<'_>,
        filter: &RequestFilter,
        parts: &[Part],
    ) -> sqlx::Result<Self> {
        let mut all = Self::measured(conn, source, filter, parts, &[], Groups::ONLY).await?;
        Ok(all.pop().map_or_else(|| Self::nothing(parts), |(_, daily)| daily))
    }

    /// Those of each of the values of a dimension, in their order; the values without any are left out.
    pub(super) async fn of_each(
        conn: &mut Connection,
        source: Source<'_>,
        filter: &RequestFilter,
        parts: &[Part],
        (by, ids): (Dimension, Vec<String>),
    ) -> sqlx::Result<Vec<(String, Self)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let shown = GroupSelection { keys: ids.into_iter().map(|id| vec![id]).collect(), other: false };
        Self::measured(conn, source, filter, parts, &[by], Groups::Selection(&shown)).await
    }

    async fn measured(
        conn: &mut Connection,
        source: Source<'_>,
        filter: &RequestFilter,
        parts: &[Part],
        keys: &[Dimension],
        which: Groups<'_>,
    ) -> sqlx::Result<Vec<(String, Self)>> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(Vec::new()) };
        let window = TimeWindow { start: first.window.start, end: last.window.end };
        let starts = parts.iter().map(|part| part.window.start).collect();
        let grouping = Grouping { keys: keys.to_vec(), starts };
        let measures = [SPEND, FAILED_REQUESTS, TOTAL_TOKENS];
        let measure_set = MeasureSet { measures: &measures, which, cost_shares: false };
        let question = Question::new(window, filter.clone());
        let found = measure(conn, source, &question, &grouping, measure_set).await?;
        let daily = |group: Measured| {
            let mut daily = Self::nothing(parts);
            for (place, figures) in group.buckets {
                if let Some(part) = daily.figures.get_mut(place) {
                    *part = figures;
                }
            }
            (group.keys.into_iter().next().unwrap_or_default(), daily)
        };
        Ok(found.into_iter().map(daily).collect())
    }

    pub(super) fn nothing(parts: &[Part]) -> Self {
        Self { parts: parts.to_vec(), figures: vec![Figures::default(); parts.len()] }
    }

    /// The parts within a window.
    pub(super) fn within(&self, window: &TimeWindow) -> impl Iterator<Item = (&Part, &Figures)> {
        let (start, end) = (window.start, window.end);
        let both = self.parts.iter().zip(&self.figures);
        both.filter(move |(part, _)| part.window.start >= start && part.window.end <= end)
    }

    /// What was spent within a window.
    pub(super) fn spend(&self, window: &TimeWindow) -> Money {
        Money(self.within(window).map(|(_, figures)| &figures.exact_spend).sum())
    }

    /// What was spent on each of the last [`BASELINE_DAYS`] days before the day of `instant`, as far back as the log has them
    /// whole.
    pub(super) fn baseline(
        &self,
        instant: DateTime<Utc>,
        since: Option<DateTime<Utc>>,
        zone: Tz,
    ) -> Vec<(NaiveDate, f64)> {
        let Some(since) = since else { return Vec::new() };
        let window =
            TimeWindow { start: days_before(instant, BASELINE_DAYS, zone), end: days_before(instant, 0, zone) };
        let first = day_of(since, zone);
        let mut days: Vec<(NaiveDate, f64)> = Vec::new();
        for (part, figures) in self.within(&window).filter(|(part, _)| part.day > first) {
            match days.last_mut() {
                Some((day, spend)) if *day == part.day => *spend += figures.spend,
                _ => days.push((part.day, figures.spend)),
            }
        }
        days
    }
}
