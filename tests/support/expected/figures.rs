//! What the analytics should answer about groups of rows, beyond totals.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Offset, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::analytics::{by_dimension, durations, group, or_unknown, sessions, sum};
use super::session::{cost, percentile};
use super::{Row, as_f64, average_seconds, count, percentage};

/// The LiteLLM users, by id.
pub fn users(rows: &[&Row]) -> Vec<Value> {
    let users = group(rows, |row| or_unknown(row.user.as_ref())).into_iter().map(|(user, rows)| {
        let hits = sum(&rows, |row| row.cache_hit.into());
        json!({
            "user_id": user,
            "total_requests": count(&rows),
            "unique_sessions": sessions(&rows),
            "total_prompt_tokens": sum(&rows, |row| row.prompt_tokens),
            "total_completion_tokens": sum(&rows, |row| row.completion_tokens),
            "total_tokens": sum(&rows, |row| row.total_tokens),
            "total_cost": cost(&rows).dollars(),
            "avg_response_time": average_seconds(&durations(&rows)),
            "cache_hits": hits,
            "cache_hit_rate": percentage(hits, count(&rows)),
            "failed_requests": sum(&rows, |row| row.failed.into()),
        })
    });
    users.collect()
}

/// How long the requests of each category took; of all together, without a dimension.
pub fn latency(rows: &[&Row], dimension: Option<&str>) -> Vec<Value> {
    let groups = match dimension {
        Some(dimension) => by_dimension(rows, dimension),
        None => BTreeMap::from([("all", rows.to_vec())]),
    };
    let categories = groups.into_iter().map(|(category, rows)| {
        let durations = durations(&rows);
        let milliseconds: i64 = durations.iter().sum();
        let seconds = |ms: Option<&i64>| as_f64(ms.copied().unwrap_or_default()) / 1000.0;
        let tokens = as_f64(sum(&rows, |row| row.completion_tokens));
        let mut answer = json!({
            "category": category,
            "total_requests": count(&rows),
            "avg_response_time": average_seconds(&durations),
            "min_response_time": seconds(durations.iter().min()),
            "max_response_time": seconds(durations.iter().max()),
            "streamed_requests": sum(&rows, |row| row.ttft_ms.is_some().into()),
            "output_tokens_per_second": (milliseconds > 0).then(|| tokens / (as_f64(milliseconds) / 1000.0)),
        });
        merge(&mut answer, times(&rows));
        answer
    });
    categories.collect()
}

/// Adds the fields of another object.
pub fn merge(object: &mut Value, other: Value) {
    let Value::Object(other) = other else { panic!("no object") };
    object.as_object_mut().expect("an object").extend(other);
}

/// The ways in which requests failed, by class and model.
pub fn errors(rows: &[&Row]) -> Vec<Value> {
    let failures = sum(rows, |row| row.failed.into());
    let failed: Vec<&Row> = rows.iter().copied().filter(|row| row.failed).collect();
    let groups = group(&failed, |row| (or_unknown(row.error_class.as_ref()), or_unknown(row.group.as_ref())));
    let errors = groups.into_iter().map(|((class, model), failed)| {
        json!({
            "error_class": class,
            "model": model,
            "failed_requests": count(&failed),
            "share_of_failures": percentage(count(&failed), failures),
            "share_of_requests": percentage(count(&failed), count(rows)),
            "total_cost": cost(&failed).dollars(),
        })
    });
    errors.collect()
}

/// The called tools, by name.
pub fn tools(rows: &[&Row]) -> Vec<Value> {
    let tools = by_dimension(rows, "tool").into_iter().map(|(tool, calling)| {
        json!({
            "tool_name": tool,
            "total_requests": count(&calling),
            "share_of_requests": percentage(count(&calling), count(rows)),
            "unique_sessions": sessions(&calling),
            "total_tokens": sum(&calling, |row| row.total_tokens),
            "total_cost": cost(&calling).dollars(),
            "avg_response_time": average_seconds(&durations(&calling)),
            "failed_requests": sum(&calling, |row| row.failed.into()),
        })
    });
    tools.collect()
}

/// The rates of a group.
pub fn details(rows: &[&Row]) -> Value {
    let known: Vec<&&Row> = rows.iter().filter(|row| row.cached_tokens.is_some()).collect();
    let cached: i64 = known.iter().filter_map(|row| row.cached_tokens).sum();
    // What is more than the prompt's is counted beside.
    let prompts: i64 = known
        .iter()
        .map(|row| match row.cached_tokens {
            Some(cached) if cached > row.prompt_tokens => cached + row.prompt_tokens.max(0),
            _ => row.prompt_tokens,
        })
        .sum();
    let per_session = |value: f64| (sessions(rows) > 0).then(|| value / as_f64(sessions(rows)));
    let mut details = json!({
        "error_rate": percentage(sum(rows, |row| row.failed.into()), count(rows)),
        "cached_tokens": (!known.is_empty()).then_some(cached),
        "cached_token_share": (prompts > 0).then(|| percentage(cached, prompts)),
        "requests_per_session": per_session(as_f64(count(rows))),
        "cost_per_session": per_session(cost(rows).dollars()),
    });
    merge(&mut details, times(rows));
    details
}

/// The percentiles of a group.
pub fn times(rows: &[&Row]) -> Value {
    let first_tokens: Vec<i64> = rows.iter().filter_map(|row| row.ttft_ms).collect();
    let at = |values: &[i64], share: f64| (!values.is_empty()).then(|| percentile(values, share) / 1000.0);
    let mut times = json!({
        "avg_time_to_first_token": (!first_tokens.is_empty()).then(|| average_seconds(&first_tokens)),
    });
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        times[format!("{name}_response_time")] = json!(at(&durations(rows), share));
        times[format!("{name}_time_to_first_token")] = json!(at(&first_tokens, share));
    }
    times
}

/// A point of a series, without its time.
pub fn point(rows: &[&Row]) -> Value {
    json!({
        "total_requests": count(rows),
        "failed_requests": sum(rows, |row| row.failed.into()),
        "total_tokens": sum(rows, |row| row.total_tokens),
        "total_cost": cost(rows).dollars(),
        "avg_response_time": average_seconds(&durations(rows)),
    })
}

/// A bucket: its label, and the offset from UTC that tells a repeated time from the first.
pub type Period = (String, i32);

/// The bucket of an instant, as a look at the wall of the zone tells it.
pub fn period(instant: DateTime<Utc>, granularity: &str, zone: Tz) -> Period {
    let local = instant.with_timezone(&zone);
    let (day, offset) = (local.date_naive(), local.offset().fix().local_minus_utc());
    match granularity {
        "15m" => (format!("{day} {:02}:{:02}:00", local.hour(), local.minute() / 15 * 15), offset),
        "hour" => (format!("{day} {:02}:00:00", local.hour()), offset),
        "day" => (day.to_string(), 0),
        "week" => {
            let since_monday = Days::new(day.weekday().num_days_from_monday().into());
            ((day - since_monday).to_string(), 0)
        }
        "month" => (day.format("%Y-%m").to_string(), 0),
        other => panic!("no granularity {other}"),
    }
}
