//! The chart of the days: where its bars, lines and labels are. The page's template draws them.

use serde::Serialize;
use traceability_core::money::thousands;

use crate::{CostReport, DaySpend};

// Where the axes are; the template draws them there.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 512.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 182.0;
/// How much of a day's width its bar has.
const BAR: f64 = 0.8;
/// What is left free at both ends, in widths of a day.
const END: f64 = 0.1;
/// What is left free over the highest bar, of its height.
const HEADROOM: f64 = 0.06;
const MOST_AMOUNTS: u32 = 5;
const MOST_DAYS: usize = 6;

/// The spend of each day, and before it that of the days before.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    bars: Vec<Bar>,
    /// Along the left side, from below, at the heights of their lines.
    amounts: Vec<Label>,
    /// Along the lower side.
    days: Vec<Label>,
}

#[derive(Debug, Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    /// It is of the days before.
    is_before: bool,
}

#[derive(Debug, Serialize)]
struct Label {
    at: f64,
    text: String,
}

impl Chart {
    /// None where there is nothing to compare.
    pub(super) fn of(report: &CostReport) -> Option<Self> {
        let days: Vec<&DaySpend> = report.days_before.iter().chain(&report.days).collect();
        let most = days.iter().map(|day| day.spend.as_f64()).fold(0.0, f64::max);
        if days.len() < 2 || most <= 0.0 {
            return None;
        }
        let top = most * (1.0 + HEADROOM);
        let width = (RIGHT - LEFT) / (count(days.len()) + 2.0 * END);
        let middle = |place: usize| LEFT + (count(place) + 0.5 + END) * width;
        let height = |dollars: f64| BOTTOM - (BOTTOM - TOP) * dollars / top;
        let bar = |(place, day): (usize, &&DaySpend)| {
            let y = height(day.spend.as_f64().max(0.0));
            Bar {
                x: tenths(middle(place) - BAR * width / 2.0),
                y: tenths(y),
                width: tenths(BAR * width),
                height: tenths(BOTTOM - y),
                is_before: place < report.days_before.len(),
            }
        };
        let step = step(top);
        let amounts = (0..MOST_AMOUNTS).map(|place| f64::from(place) * step).take_while(|dollars| *dollars <= top);
        let every = ROUND_DAYS.into_iter().find(|every| days.len().div_ceil(*every) <= MOST_DAYS).unwrap_or(days.len());
        let label = |(place, day): (usize, &&DaySpend)| Label {
            at: tenths(middle(place)),
            text: day.day.format("%-d %b").to_string(),
        };
        Some(Self {
            bars: days.iter().enumerate().map(bar).collect(),
            amounts: amounts
                .map(|dollars| Label { at: tenths(height(dollars)), text: amount(dollars, most) })
                .collect(),
            days: days.iter().enumerate().step_by(every).map(label).collect(),
        })
    }
}

/// After how many days there is a label.
const ROUND_DAYS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];

/// The smallest round step by which few lines reach to the top.
fn step(top: f64) -> f64 {
    let mut step = 10f64.powf(top.log10().floor() - 1.0);
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if top < step * f64::from(MOST_AMOUNTS) {
            break;
        }
        step *= factor;
    }
    step
}

fn tenths(points: f64) -> f64 {
    (points * 10.0).round() / 10.0
}

/// A number of days.
fn count(days: usize) -> f64 {
    u32::try_from(days).map_or(f64::MAX, f64::from)
}

fn amount(dollars: f64, most: f64) -> String {
    let decimals = match most {
        most if most >= 10.0 => 0,
        most if most >= 0.1 => 2,
        most if most >= 0.001 => 4,
        _ => 6,
    };
    let text = format!("{dollars:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("${}{fraction}", thousands(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_round_and_makes_few_lines() {
        for (top, wanted) in [(1.0, 0.5), (0.99, 0.2), (2.4, 0.5), (10.0, 5.0), (12.7, 5.0), (95.0, 20.0), (4e-7, 1e-7)]
        {
            assert!((step(top) / wanted - 1.0).abs() < 1e-9, "{top}: {}", step(top));
        }
    }
}
