//! A session's summary.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Money, Row, as_f64, average_seconds, count, percentage};

/// The summary of the session with these rows.
pub fn summary(id: &str, rows: &[&Row]) -> Value {
    let start = rows.iter().map(|row| row.started).min().expect("rows");
    let end = rows.iter().map(|row| row.ended.max(row.started)).max().expect("rows");
    let durations: Vec<i64> = rows.iter().map(|row| row.duration_ms).collect();
    let sum = |value: fn(&Row) -> i64| rows.iter().map(|row| value(row)).sum::<i64>();
    let number_of = |is: fn(&Row) -> bool| rows.iter().map(|row| i64::from(is(row))).sum::<i64>();
    let cached: Vec<i64> = rows.iter().filter_map(|row| row.cached_tokens).collect();
    json!({
        "session_id": id,
        "user_id": most_frequent(rows, |row| row.user.as_deref()).unwrap_or("unknown"),
        "agent_name": most_frequent(rows, |row| row.agent.as_deref()).unwrap_or("unknown"),
        "conversation_name": most_frequent(rows, |row| row.conversation.as_deref()).unwrap_or("default"),
        "total_messages": count(rows),
        "session_start": start,
        "session_end": end,
        "last_activity": rows.iter().map(|row| row.started).max(),
        "total_duration_seconds": as_f64((end - start).num_milliseconds()) / 1000.0,
        "busy_seconds": busy_seconds(rows),
        "total_tokens": sum(|row| row.total_tokens),
        "prompt_tokens": sum(|row| row.prompt_tokens),
        "completion_tokens": sum(|row| row.completion_tokens),
        "cached_tokens": (!cached.is_empty()).then(|| cached.iter().sum::<i64>()),
        "total_cost": cost(rows).dollars(),
        "avg_response_time": average_seconds(&durations),
        "p50_response_time": percentile(&durations, 0.5) / 1000.0,
        "p95_response_time": percentile(&durations, 0.95) / 1000.0,
        "function_calls_count": sum(|row| row.calls),
        "function_calls_exact": rows.iter().all(|row| row.calls_exact),
        "cache_hit_rate": percentage(number_of(|row| row.cache_hit), count(rows)),
        "failed_requests": number_of(|row| row.failed),
        "models_used": distinct(rows, |row| row.model.as_deref()),
        "model_groups_used": distinct(rows, |row| row.group.as_deref()),
        "users": distinct(rows, |row| row.user.as_deref()),
        "end_users": distinct(rows, |row| row.end_user.as_deref()),
        "agents": distinct(rows, |row| row.agent.as_deref()),
    })
}

/// What the rows cost.
pub fn cost(rows: &[&Row]) -> Money {
    rows.iter().map(|row| row.spend).sum()
}

fn distinct<'a>(rows: &[&'a Row], value: fn(&Row) -> Option<&str>) -> BTreeSet<&'a str> {
    rows.iter().filter_map(|row| value(row)).collect()
}

/// The value of the most rows among those that have one; the first by name where several have as many.
fn most_frequent<'a>(rows: &[&'a Row], value: fn(&Row) -> Option<&str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in rows.iter().filter_map(|row| value(row)) {
        *counts.entry(name).or_default() += 1;
    }
    let most = counts.values().max()?;
    counts.iter().find(|(_, count)| *count == most).map(|(name, _)| *name)
}

/// The value below which `share` of the values lie, between two of them where none is there.
pub fn percentile(values: &[i64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = share * as_f64(count(values) - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    as_f64(sorted[below]) + (place - place.floor()) * as_f64(sorted[above] - sorted[below])
}

/// The milliseconds that lie in at least one request, found by walking over all starts and ends.
fn busy_seconds(rows: &[&Row]) -> f64 {
    let mut steps: Vec<(i64, i32)> = Vec::new();
    for row in rows.iter().filter(|row| row.ended > row.started) {
        steps.extend([(row.started.timestamp_millis(), 1), (row.ended.timestamp_millis(), -1)]);
    }
    steps.sort_unstable();
    let (mut busy, mut open, mut since) = (0, 0, 0);
    for (at, step) in steps {
        if open > 0 {
            busy += at - since;
        }
        (open, since) = (open + step, at);
    }
    as_f64(busy) / 1000.0
}
