//! Where the month will end.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_core::time::day_of;

use super::calendar::{BASELINE_DAYS, Daily, LEAST_DAYS, days_before, parts};
use super::document::Forecast;
use super::period::{Period, Span};

/// The part of a calendar month up to an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct MonthSoFar {
    pub(super) month: Span,
    pub(super) until: DateTime<Utc>,
}

/// What is expected at the end of a month.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Projection {
    /// The amount, and the interval in which it lies in 80 of 100 cases.
    pub(super) amounts: Option<[Money; 3]>,
    pub(super) method: String,
}

impl MonthSoFar {
    /// The month of the last instant before `until`.
    pub(super) fn of(until: DateTime<Utc>, zone: Tz) -> Self {
        let last = until - chrono::TimeDelta::milliseconds(1);
        Self { month: Span::of(Period::Month, zone, day_of(last, zone)), until }
    }

    pub(super) const fn window(&self) -> TimeWindow {
        TimeWindow { start: self.month.window.start, end: self.until }
    }

    /// From when on days are needed to tell how it ends.
    pub(super) fn first_needed(&self) -> DateTime<Utc> {
        days_before(self.until, BASELINE_DAYS, self.month.zone).min(self.month.window.start)
    }

    pub(super) fn forecast(&self, daily: &Daily, since: Option<DateTime<Utc>>) -> Forecast {
        let spent = daily.spend(&self.window());
        let projection = self.project(&spent, daily, since);
        let [expected, low, high] = projection.amounts.map_or([None, None, None], |amounts| amounts.map(Some));
        let (month, until) = (self.month.label(), self.until);
        Forecast { month, until, spent, expected, low, high, method: projection.method }
    }

    pub(super) fn project(&self, spent: &Money, daily: &Daily, since: Option<DateTime<Utc>>) -> Projection {
        let zone = self.month.zone;
        let rest = TimeWindow { start: self.until, end: self.month.window.end };
        let days: Vec<(NaiveDate, f64)> = parts(&rest, zone, &[])
            .into_iter()
            .map(|part| {
                let whole = Span::of(Period::Day, zone, part.day).window;
                (part.day, seconds(&part.window) / seconds(&whole))
            })
            .collect();
        if days.is_empty() {
            let amounts = Some([spent.clone(), spent.clone(), spent.clone()]);
            return Projection { amounts, method: "The month is over: this is what was spent.".into() };
        }
        let baseline = daily.baseline(self.until, since, zone);
        if baseline.len() < LEAST_DAYS {
            let method = format!(
                "Not estimated: the log has {} whole days before, and it takes {LEAST_DAYS} to tell what is usual.",
                baseline.len()
            );
            return Projection { amounts: None, method };
        }
        estimate(spent, &baseline, &days)
    }
}

fn seconds(window: &TimeWindow) -> f64 {
    (window.end - window.start).as_seconds_f64()
}

/// Student's t for an interval of 80 of 100 cases, by degrees of freedom from 6 on.
fn t(freedom: usize) -> f64 {
    match freedom {
        ..=6 => 1.440,
        7 => 1.415,
        8 => 1.397,
        9 => 1.383,
        10..=11 => 1.372,
        12..=14 => 1.356,
        15..=19 => 1.341,
        20..=24 => 1.325,
        _ => 1.316,
    }
}

/// `rest` are the days that remain, and how much of each.
fn estimate(spent: &Money, baseline: &[(NaiveDate, f64)], rest: &[(NaiveDate, f64)]) -> Projection {
    let by_weekday = baseline.len() == BASELINE_DAYS as usize;
    // Without as many days of each weekday, all days are one kind.
    let kind = |day: NaiveDate| if by_weekday { day.weekday().num_days_from_monday() as usize } else { 0 };
    let kinds = if by_weekday { 7 } else { 1 };
    let (mut sums, mut counts) = (vec![0.0; kinds], vec![0.0; kinds]);
    for (day, spend) in baseline {
        sums[kind(*day)] += spend;
        counts[kind(*day)] += 1.0;
    }
    let mean = |kind: usize| sums[kind] / counts[kind];
    let squares: f64 = baseline.iter().map(|(day, spend)| (spend - mean(kind(*day))).powi(2)).sum();
    let freedom = baseline.len() - kinds;
    let variance = squares / as_f64(freedom);
    let mut ahead = vec![0.0; kinds];
    let mut own = 0.0;
    for (day, share) in rest {
        ahead[kind(*day)] += share;
        own += share * share;
    }
    let expected: f64 = ahead.iter().enumerate().map(|(kind, days)| days * mean(kind)).sum();
    // How far the days stray from their mean, and how well the mean itself is known.
    let known: f64 = ahead.iter().zip(&counts).map(|(days, count)| days * days / count).sum();
    let margin = t(freedom) * (variance * (own + known)).sqrt();
    let at = |more: f64| Money::estimate(more.max(0.0)).map(|more| spent + &more);
    let amounts = at(expected).zip(at(expected - margin)).zip(at(expected + margin));
    let basis = if by_weekday {
        format!("the average of its weekday in the {BASELINE_DAYS} days before")
    } else {
        format!("the average of the {} whole days before that the log has", baseline.len())
    };
    let method = format!(
        "What was spent so far, and for each day that remains {basis}. In 80 of 100 cases the end lies in the interval, \
         if days stray from these averages as they did, each on its own."
    );
    Projection { amounts: amounts.map(|((expected, low), high)| [expected, low, high]), method }
}

/// A number of days.
#[expect(clippy::cast_precision_loss, reason = "days are few")]
const fn as_f64(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).expect("a day")
    }

    fn dollars(projection: &Projection) -> [String; 3] {
        projection.amounts.clone().expect("an estimate").map(|amount| amount.to_string())
    }

    #[test]
    fn days_that_are_all_the_same_go_on() {
        let baseline: Vec<_> = (1..=10).map(|number| (day(number), 2.0)).collect();
        let rest = [(day(29), 0.5), (day(30), 1.0)];
        let projection = estimate(&"20".parse().expect("dollars"), &baseline, &rest);
        assert_eq!(dollars(&projection), ["23", "23", "23"]);
    }

    #[test]
    fn weekends_are_told_from_working_days() {
        let spend = |number: u32| if day(number).weekday().num_days_from_monday() < 5 { 10.0 } else { 1.0 };
        let baseline: Vec<_> = (1..=28).map(|number| (day(number), spend(number))).collect();
        // A Sunday and a Monday.
        let projection = estimate(&Money::zero(), &baseline, &[(day(29), 1.0), (day(30), 1.0)]);
        assert_eq!(dollars(&projection), ["11", "11", "11"]);
    }

    #[test]
    fn the_interval_is_that_of_students_t() {
        // Mean 4, variance 20/7 over eight days; two days to come.
        let baseline: Vec<_> = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 6.0, 2.0]
            .into_iter()
            .enumerate()
            .map(|(place, spend)| (day(u32::try_from(place).expect("few") + 1), spend))
            .collect();
        let projection = estimate(&Money::zero(), &baseline, &[(day(9), 1.0), (day(10), 1.0)]);
        let margin = 1.415 * (14.0_f64 / 7.0 * (2.0 + 0.5)).sqrt();
        let [expected, low, high] = projection.amounts.expect("an estimate").map(|amount| amount.as_f64());
        assert!((expected - 8.0).abs() < 1e-6);
        assert!((expected - low - margin).abs() < 1e-6 && (high - expected - margin).abs() < 1e-6);
    }
}
