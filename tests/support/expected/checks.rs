//! Comparisons of answers with what is expected.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::analytics::{bucket as bucket_of, by_hour, hour_of};
use super::{Filter, Row, assert_same};

/// A bucket sums up these rows.
pub fn check_bucket(bucket: &Value, rows: &[&Row]) {
    let mut totals = bucket.clone();
    let fields = totals.as_object_mut().expect("an object");
    for name in ["time_period", "period_start"] {
        assert!(fields.remove(name).is_some(), "{name} is missing");
    }
    assert_same(&totals, &bucket_of(rows), &bucket["time_period"].to_string());
}

/// The trend has one bucket for each hour on the wall that the window touches, with that hour's rows.
pub fn check_hours(trend: &Value, rows: &[&Row], filter: &Filter, zone: Tz) {
    let (start, end) = (filter.start.expect("a start"), filter.end.expect("an end"));
    // Every hour on the wall, found by looking at it each minute.
    let mut hours = Vec::new();
    let mut minute = start;
    while minute < end {
        hours.push(hour_of(minute, zone));
        minute += TimeDelta::minutes(1);
    }
    hours.push(hour_of(end - TimeDelta::milliseconds(1), zone));
    hours.dedup();

    let groups = by_hour(rows, zone);
    let buckets = trend.as_array().expect("a list");
    let labels: Vec<&str> = buckets.iter().map(|bucket| bucket["time_period"].as_str().expect("a label")).collect();
    assert_eq!(labels, hours.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), "{zone} {filter:?}");
    for (bucket, hour) in buckets.iter().zip(&hours) {
        check_bucket(bucket, groups.get(hour).map_or(&[], Vec::as_slice));
        let begins: DateTime<Utc> = bucket["period_start"].as_str().and_then(|text| text.parse().ok()).expect("a time");
        assert_eq!(hour_of(begins, zone), *hour, "{zone} {bucket}");
        assert_ne!(hour_of(begins - TimeDelta::milliseconds(1), zone), *hour, "{zone} {bucket}");
    }
}
