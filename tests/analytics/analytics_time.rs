//! Trends over the days on which the clocks change.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tests::App;
use tests::expected::analytics::by_day;
use tests::expected::checks::{check_bucket, check_hours};
use tests::expected::log::path;
use tests::expected::{Companions, Filter, Log, as_f64};
use tests::made;

/// Each zone with an instant at which its clocks change.
const CHANGES: [(Tz, &str); 6] = [
    (Tz::America__New_York, "2026-03-08T07:00:00Z"),
    (Tz::America__New_York, "2026-11-01T06:00:00Z"),
    // By half an hour.
    (Tz::Australia__Lord_Howe, "2026-04-04T15:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T15:30:00Z"),
    // At midnight.
    (Tz::America__Santiago, "2026-09-06T04:00:00Z"),
    // Nothing changes, but hours and days begin elsewhere.
    (Tz::Asia__Kolkata, "2026-06-01T00:00:00Z"),
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[tokio::test]
async fn hours_and_days_are_right_where_the_clocks_change() {
    let mut rows = Vec::new();
    for (_, change) in CHANGES {
        // Every seven minutes, from a day and a half before to a day and a half after.
        for step in -300..300 {
            let id = format!("{change} {step}");
            let fields = json!({"spend": 0.0001 * as_f64(step + 301), "session_id": format!("{change} {}", step / 9)});
            rows.push(made::row(&id, at(change) + TimeDelta::minutes(7 * step), fields));
        }
    }
    let log = Log::new(&rows, &Companions::default());
    let database = made::database("clock_changes", &rows).await;
    let app = App::over(database, at("2026-11-10T00:00:00Z"), &[]);
    for (zone, change) in CHANGES {
        for (before, after) in [(180, 240), (20, 100), (0, 95), (-10, 90), (1_500, 1_600)] {
            let filter = Filter {
                start: Some(at(change) - TimeDelta::minutes(before)),
                end: Some(at(change) + TimeDelta::minutes(after)),
                ..Filter::default()
            };
            let rows = log.matching(&filter);
            assert!(rows.len() > 10, "the window has rows");
            for granularity in ["hour", "day"] {
                let mut parameters = filter.parameters();
                parameters.extend([("timezone", zone.name().to_owned()), ("granularity", granularity.to_owned())]);
                let trend = app.get(&path("/api/v1/analytics/usage-trends", &parameters)).await.ok();
                if granularity == "hour" {
                    check_hours(&trend, &rows, &filter, zone);
                } else {
                    let days = by_day(&rows, zone);
                    let buckets = trend.as_array().expect("a list");
                    assert_eq!(buckets.len(), days.len(), "{zone} {filter:?}");
                    for (bucket, (day, rows)) in buckets.iter().zip(&days) {
                        assert_eq!(bucket["time_period"], day.to_string(), "{zone} {filter:?}");
                        check_bucket(bucket, rows);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_date_means_the_days_start_in_the_zone() {
    let hours = -30..54;
    let midnight = at("2026-11-01T00:00:00Z");
    let rows: Vec<Value> = hours
        .map(|hour| made::row(&format!("{hour}"), midnight + TimeDelta::minutes(60 * hour + 15), json!({})))
        .collect();
    let app = App::over(made::database("days_of_zones", &rows).await, at("2026-11-05T00:00:00Z"), &[]);
    let log = Log::new(&rows, &Companions::default());
    // New York's first of November has 25 hours.
    for (zone, requests) in [(Tz::UTC, 24), (Tz::Asia__Kolkata, 24), (Tz::America__New_York, 25)] {
        let query = format!("start_date=2026-11-01&end_date=2026-11-02&timezone={}", zone.name());
        let overview = app.get(&format!("/api/v1/analytics/overview?{query}")).await.ok();
        assert_eq!(overview["total_requests"], requests, "{zone}");
        let list = app.get(&format!("/api/v1/requests?{query}")).await.ok();
        let days = by_day(&log.rows.iter().collect::<Vec<_>>(), zone);
        let day = &days[&"2026-11-01".parse().expect("a day")];
        assert_eq!(list.as_array().map(Vec::len), Some(day.len()), "{zone}");
    }
}
