//! Days that cost much more or less than is usual.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_queries::analytics::Figures;

use super::calendar::{BASELINE_DAYS, Daily, LEAST_DAYS, Part};
use super::document::{Anomalies, Anomaly, BreakdownBy};

/// From so many deviations on, a day is unusual.
const UNUSUAL: f64 = 3.5;
/// And if it is so large a share of what a usual day costs in all.
const MATTERS: f64 = 0.05;
/// So many are told.
const MOST: usize = 10;
/// What makes of a median of distances from the median a standard deviation, where values are distributed normally.
const OF_MAD: f64 = 1.4826;
/// The same of a mean of distances.
const OF_MEAN: f64 = 1.2533;

/// Whose days are looked at.
pub(super) struct Subject<'a> {
    pub(super) by: Option<BreakdownBy>,
    pub(super) id: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) daily: &'a Daily,
}

/// What the days before a report's time cost.
struct Baseline {
    median: f64,
    mad: f64,
    deviation: f64,
    days: usize,
}

/// The unusual days of a time, of all requests (the first subject) and of some.
pub(super) fn anomalies(
    window: &TimeWindow,
    zone: Tz,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    subjects: &[Subject<'_>],
) -> Anomalies {
    let method = format!(
        "A day is unusual if it is at least {UNUSUAL} deviations away from the median of the {BASELINE_DAYS} days before the \
         report's time, and by at least {:.0} % of the median of all spend; a deviation is {OF_MAD} times the median \
         distance from the median (MAD), or where that is 0, {OF_MEAN} times the mean distance. Where all days before cost the \
         same, a day is unusual if it cost nothing or twice as much. Whole days only.",
        100.0 * MATTERS
    );
    let Some(overall) = subjects.first().and_then(|all| Baseline::of(all, window, zone, since)) else {
        let method = format!(
            "Not looked for: the log has less than {LEAST_DAYS} whole days before the report's time, so that nobody knows \
             what is usual."
        );
        return Anomalies { method, found: Vec::new() };
    };
    let mut found: Vec<(f64, Anomaly)> = Vec::new();
    for subject in subjects {
        let Some(baseline) = Baseline::of(subject, window, zone, since) else { continue };
        for (part, figures) in subject.daily.within(window).filter(|(part, _)| part.is_whole && part.window.end <= now)
        {
            let away = figures.spend - baseline.median;
            let matters = away.abs() >= MATTERS * overall.median && away != 0.0;
            // Where all days were alike, none strays from them; where all cost nothing, it is new rather than unusual.
            let strays = if baseline.deviation > 0.0 {
                away.abs() >= UNUSUAL * baseline.deviation
            } else {
                baseline.median > 0.0 && away.abs() >= baseline.median
            };
            if strays && matters {
                found.push((away.abs(), anomaly(subject, part, figures, &baseline)));
            }
        }
    }
    // All requests first. The sort is stable: what is the same stays in the order of the subjects and days.
    found.sort_by(|(one, first), (other, second)| {
        first.by.is_some().cmp(&second.by.is_some()).then(other.total_cmp(one))
    });
    Anomalies { method, found: found.into_iter().map(|(_, anomaly)| anomaly).take(MOST).collect() }
}

fn anomaly(subject: &Subject<'_>, part: &Part, figures: &Figures, baseline: &Baseline) -> Anomaly {
    let spend = Money(figures.exact_spend.clone());
    let estimate = |dollars| Money::estimate(dollars).unwrap_or_default();
    let (median, mad) = (estimate(baseline.median), estimate(baseline.mad));
    let away = figures.spend - baseline.median;
    let deviations = (baseline.deviation > 0.0).then(|| (away / baseline.deviation * 10.0).round() / 10.0);
    let who = match (subject.by, subject.label.or(subject.id)) {
        (Some(by), Some(name)) => format!("the {} {name} cost", by.noun()),
        _ => "all requests cost".to_owned(),
    };
    let (day, cost, median_shown, days) = (part.day, spend.shown(), median.shown(), baseline.days);
    let text = if let Some(deviations) = deviations {
        let direction = if away > 0.0 { "above" } else { "below" };
        let (far, mad) = (deviations.abs(), mad.shown());
        format!(
            "On {day}, {who} {cost}: {far:.1} deviations {direction} the usual {median_shown} a day (median of {days} days; \
             MAD {mad})."
        )
    } else {
        format!("On {day}, {who} {cost}; on each of the {days} days before it was {median_shown}.")
    };
    Anomaly {
        day: part.day,
        by: subject.by,
        id: subject.id.map(str::to_owned),
        label: subject.label.map(str::to_owned),
        spend,
        median,
        mad,
        deviations,
        days: u32::try_from(baseline.days).unwrap_or(u32::MAX),
        text,
    }
}

impl Baseline {
    fn of(subject: &Subject<'_>, window: &TimeWindow, zone: Tz, since: Option<DateTime<Utc>>) -> Option<Self> {
        let days = subject.daily.baseline(window.start, since, zone);
        if days.len() < LEAST_DAYS {
            return None;
        }
        let spends: Vec<f64> = days.into_iter().map(|(_, spend)| spend).collect();
        let middle = median(spends.clone());
        let distances: Vec<f64> = spends.iter().map(|spend| (spend - middle).abs()).collect();
        let count = f64::from(u32::try_from(spends.len()).unwrap_or(u32::MAX));
        let mean = distances.iter().sum::<f64>() / count;
        let mad = median(distances);
        let deviation = if mad > 0.0 { OF_MAD * mad } else { OF_MEAN * mean };
        Some(Self { median: middle, mad, deviation, days: spends.len() })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_is_between_two() {
        assert!((median(vec![4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < f64::EPSILON);
        assert!((median(vec![9.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
    }
}
