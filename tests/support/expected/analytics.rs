//! What the analytics should answer about some rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Offset, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::session::cost;
use super::{Row, as_f64, average_seconds, count, percentage};

pub fn sum(rows: &[&Row], value: fn(&Row) -> i64) -> i64 {
    rows.iter().map(|row| value(row)).sum()
}

pub fn durations(rows: &[&Row]) -> Vec<i64> {
    rows.iter().map(|row| row.duration_ms).collect()
}

pub fn sessions(rows: &[&Row]) -> i64 {
    count(&rows.iter().map(|row| &row.session).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
}

pub fn group<'a, K: Ord>(rows: &[&'a Row], key: impl Fn(&'a Row) -> K) -> BTreeMap<K, Vec<&'a Row>> {
    let mut groups: BTreeMap<K, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}

pub fn or_unknown(name: Option<&String>) -> &str {
    name.map_or("unknown", String::as_str)
}

/// The overview.
pub fn overview(rows: &[&Row]) -> Value {
    let users: BTreeSet<&String> = rows.iter().filter_map(|row| row.user.as_ref()).collect();
    let hits = sum(rows, |row| row.cache_hit.into());
    json!({
        "total_requests": count(rows),
        "unique_sessions": sessions(rows),
        "unique_users": users.len(),
        "total_tokens": sum(rows, |row| row.total_tokens),
        "total_cost": cost(rows).dollars(),
        "avg_response_time": average_seconds(&durations(rows)),
        "cache_hits": hits,
        "total_function_calls": sum(rows, |row| row.calls),
        "cache_hit_rate": percentage(hits, count(rows)),
        "failed_requests": sum(rows, |row| row.failed.into()),
    })
}

/// The models, by name and provider.
pub fn models(rows: &[&Row]) -> Vec<Value> {
    let groups = group(rows, |row| (or_unknown(row.group.as_ref()), or_unknown(row.provider.as_ref())));
    let models = groups.into_iter().map(|((model, provider), rows)| {
        let hits = sum(&rows, |row| row.cache_hit.into());
        let seconds = |ms: Option<&i64>| as_f64(*ms.expect("rows")) / 1000.0;
        json!({
            "model": model,
            "provider": provider,
            "total_requests": count(&rows),
            "total_prompt_tokens": sum(&rows, |row| row.prompt_tokens),
            "total_completion_tokens": sum(&rows, |row| row.completion_tokens),
            "total_tokens": sum(&rows, |row| row.total_tokens),
            "total_cost": cost(&rows).dollars(),
            "avg_response_time": average_seconds(&durations(&rows)),
            "min_response_time": seconds(durations(&rows).iter().min()),
            "max_response_time": seconds(durations(&rows).iter().max()),
            "cache_hits": hits,
            "cache_hit_rate": percentage(hits, count(&rows)),
            "failed_requests": sum(&rows, |row| row.failed.into()),
        })
    });
    models.collect()
}

/// The agents, by name.
pub fn agents(rows: &[&Row]) -> Vec<Value> {
    let agents = group(rows, |row| or_unknown(row.agent.as_ref())).into_iter().map(|(name, rows)| {
        json!({
            "agent_name": name,
            "unique_sessions": sessions(&rows),
            "total_interactions": count(&rows),
            "avg_response_time": average_seconds(&durations(&rows)),
            "total_tokens_used": sum(&rows, |row| row.total_tokens),
            "total_cost": cost(&rows).dollars(),
            "avg_conversation_length": as_f64(count(&rows)) / as_f64(sessions(&rows)),
            "function_calls": sum(&rows, |row| row.calls),
            "cache_hit_rate": percentage(sum(&rows, |row| row.cache_hit.into()), count(&rows)),
            "failed_requests": sum(&rows, |row| row.failed.into()),
        })
    });
    agents.collect()
}

/// The categories that a row belongs to.
pub fn categories<'a>(row: &'a Row, dimension: &str) -> Vec<&'a str> {
    match dimension {
        "model" => vec![or_unknown(row.group.as_ref())],
        "agent" => vec![or_unknown(row.agent.as_ref())],
        "user" => vec![or_unknown(row.user.as_ref())],
        "end_user" => vec![or_unknown(row.end_user.as_ref())],
        "team" => vec![or_unknown(row.team.as_ref())],
        "key" => vec![or_unknown(row.key.as_ref())],
        "provider" => vec![or_unknown(row.provider.as_ref())],
        "tag" if row.tags.is_empty() => vec!["untagged"],
        "tag" => row.tags.iter().map(String::as_str).collect(),
        "tool" => row.tools.iter().map(String::as_str).collect(),
        "error_class" if row.failed => vec![or_unknown(row.error_class.as_ref())],
        "error_class" => Vec::new(),
        other => panic!("no dimension {other}"),
    }
}

/// The rows of each category.
pub fn by_dimension<'a>(rows: &[&'a Row], dimension: &str) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        for category in categories(row, dimension) {
            groups.entry(category).or_default().push(row);
        }
    }
    groups
}

/// The categories, by id. Without labels: those are in tables of their own.
pub fn breakdown(rows: &[&Row], dimension: &str) -> Vec<Value> {
    let whole = cost(rows).dollars();
    let groups = by_dimension(rows, dimension);
    let categories = groups.into_iter().map(|(category, rows)| {
        let dollars = cost(&rows).dollars();
        json!({
            "category": category,
            "total_requests": count(&rows),
            "total_tokens": sum(&rows, |row| row.total_tokens),
            "total_cost": dollars,
            "avg_cost_per_request": dollars / as_f64(count(&rows)),
            "cost_percentage": if whole > 0.0 { 100.0 * dollars / whole } else { 0.0 },
        })
    });
    categories.collect()
}

/// What a bucket's rows sum to.
pub fn bucket(rows: &[&Row]) -> Value {
    json!({
        "total_requests": count(rows),
        "unique_sessions": sessions(rows),
        "total_tokens": sum(rows, |row| row.total_tokens),
        "total_cost": cost(rows).dollars(),
        "avg_response_time": average_seconds(&durations(rows)),
        "function_calls": sum(rows, |row| row.calls),
        "failed_requests": sum(rows, |row| row.failed.into()),
    })
}

/// The rows of each day, as a clock on the wall of the zone has it.
pub fn by_day<'a>(rows: &[&'a Row], zone: Tz) -> BTreeMap<NaiveDate, Vec<&'a Row>> {
    group(rows, |row| row.started.with_timezone(&zone).date_naive())
}

/// An hour on the wall: its label, and the offset from UTC that tells a repeated hour from the first.
pub type Hour = (String, i32);

/// The hour on the wall at an instant.
pub fn hour_of(instant: DateTime<Utc>, zone: Tz) -> Hour {
    let local = instant.with_timezone(&zone);
    (format!("{} {:02}:00:00", local.date_naive(), local.hour()), local.offset().fix().local_minus_utc())
}

/// The rows of each hour.
pub fn by_hour<'a>(rows: &[&'a Row], zone: Tz) -> BTreeMap<Hour, Vec<&'a Row>> {
    group(rows, |row| hour_of(row.started, zone))
}
