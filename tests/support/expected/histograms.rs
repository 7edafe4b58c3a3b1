//! How sessions should be distributed by their totals.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::session::cost;
use super::{Filter, Log, Row, as_f64, count};

/// The histograms of the sessions that began in the filter's window.
pub fn histograms(log: &Log, filter: &Filter) -> Value {
    let matching: BTreeSet<&str> = log.matching(filter).into_iter().map(|row| row.session.as_str()).collect();
    let all = log.sessions();
    let began = all.iter().filter(|(session, rows)| {
        let first = rows.iter().map(|row| row.started).min().expect("rows");
        matching.contains(*session)
            && filter.start.is_none_or(|start| first >= start)
            && filter.end.is_none_or(|end| first < end)
    });
    let sessions: Vec<&Vec<&Row>> = began.map(|(_, rows)| rows).collect();
    let totals = |total: fn(&[&Row]) -> f64| sessions.iter().map(|rows| total(rows)).collect::<Vec<f64>>();
    let costs = totals(|rows| cost(rows).dollars());
    let durations = totals(|rows| {
        let start = rows.iter().map(|row| row.started).min().expect("rows");
        let end = rows.iter().map(|row| row.ended.max(row.started)).max().expect("rows");
        as_f64((end - start).num_milliseconds()) / 1000.0
    });
    let requests = totals(|rows| as_f64(count(rows)));
    json!({
        "sessions": sessions.len(),
        "cost": distribution(&costs, -4, 3, true),
        "duration_seconds": distribution(&durations, -1, 6, true),
        "requests": distribution(&requests, 0, 4, false),
    })
}

fn distribution(values: &[f64], first: i32, last: i32, has_small: bool) -> Value {
    let borders: Vec<f64> = (first..=last)
        .flat_map(|power| [1, 2, 5].map(|digit| format!("{digit}e{power}").parse::<f64>().expect("a number")))
        .collect();
    let mut ranges: Vec<(f64, Option<f64>)> = Vec::new();
    if has_small {
        ranges.extend([(0.0, Some(0.0)), (0.0, Some(borders[0]))]);
    }
    let ends = borders.iter().skip(1).copied().map(Some).chain([None]);
    ranges.extend(borders.iter().copied().zip(ends));
    let buckets: Vec<Value> = ranges
        .into_iter()
        .map(|(from, to)| {
            let nothing = to == Some(0.0);
            let is_in = |value: f64| match (from, to) {
                _ if nothing => value <= 0.0,
                (from, _) if from <= 0.0 => value > 0.0 && to.is_none_or(|to| value < to),
                _ => value >= from && to.is_none_or(|to| value < to),
            };
            json!({"from": from, "to": to, "sessions": values.iter().filter(|value| is_in(**value)).count()})
        })
        .collect();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let number = as_f64(count(&sorted));
    json!({
        "avg": (!sorted.is_empty()).then(|| sorted.iter().sum::<f64>() / number),
        "p50": percentile(&sorted, 0.5),
        "p95": percentile(&sorted, 0.95),
        "max": sorted.last(),
        "buckets": buckets,
    })
}

/// The value below which `share` of the values lie, between two of them where none is there.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * as_f64(count(sorted) - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (sorted.get(below)?, sorted.get(above)?);
    Some(low + (place - place.floor()) * (high - low))
}
