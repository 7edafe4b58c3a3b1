//! Buckets of every length follow the clock and the calendar of the zone.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use local::fixtures::Release;
use serde_json::{Value, json};
use tests::App;
use tests::expected::checks::check_bucket;

use super::analytics::ask;
use tests::expected::analytics::{by_dimension, group};
use tests::expected::figures::{Period, period, point};
use tests::expected::{Companions, Filter, Log, Row, as_f64, assert_same};
use tests::made;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn window(start: &str, end: &str) -> Filter {
    Filter { start: Some(at(start)), end: Some(at(end)), ..Filter::default() }
}

/// Every bucket on the wall that the window touches, found by looking at it every quarter of an hour.
fn periods(filter: &Filter, granularity: &str, zone: Tz) -> Vec<Period> {
    let (start, end) = (filter.start.expect("a start"), filter.end.expect("an end"));
    let looks = std::iter::successors(Some(start), |look| Some(*look + TimeDelta::minutes(15)));
    let mut periods: Vec<Period> =
        looks.take_while(|look| *look < end).map(|look| period(look, granularity, zone)).collect();
    periods.push(period(end - TimeDelta::milliseconds(1), granularity, zone));
    periods.dedup();
    periods
}

/// Buckets are those of the wall, and each begins where it does. Of each, `check` is given the rows.
fn check_periods(
    buckets: &Value,
    rows: &[&Row],
    (filter, granularity, zone): (&Filter, &str, Tz),
    check: impl Fn(&Value, &[&Row]),
) {
    let what = format!("{granularity} {zone} {filter:?}");
    let periods = periods(filter, granularity, zone);
    let groups = group(rows, |row| period(row.started, granularity, zone));
    let buckets = buckets.as_array().expect("a list");
    let labels: Vec<&str> = buckets.iter().map(|bucket| bucket["time_period"].as_str().expect("a label")).collect();
    assert_eq!(labels, periods.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), "{what}");
    for (bucket, expected) in buckets.iter().zip(&periods) {
        check(bucket, groups.get(expected).map_or(&[], Vec::as_slice));
        let begins = at(bucket["period_start"].as_str().expect("a time"));
        assert_eq!(period(begins, granularity, zone), *expected, "{what}");
        assert_ne!(period(begins - TimeDelta::milliseconds(1), granularity, zone), *expected, "{what}");
    }
}

fn check_point(bucket: &Value, rows: &[&Row]) {
    let mut totals = bucket.clone();
    let fields = totals.as_object_mut().expect("an object");
    for name in ["time_period", "period_start"] {
        assert!(fields.remove(name).is_some(), "{name} is missing");
    }
    assert_same(&totals, &point(rows), &bucket["time_period"].to_string());
}

/// Rows over a year, closer together around the changes of clocks.
fn rows() -> Vec<Value> {
    let row = |number: i64, start| {
        let fields = json!({
            "spend": 0.0001 * as_f64(number % 97), "session_id": format!("s {}", number / 4),
            "user": format!("user {}", number % 3), "status": if number % 7 == 0 { "failure" } else { "success" },
        });
        made::row(&format!("r {number}"), start, fields)
    };
    let year = (0..1_500).map(|step| row(step, at("2025-11-20T00:00:00Z") + TimeDelta::minutes(step * 347)));
    let changes = ["2026-03-29T01:00:00Z", "2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z", "2026-10-25T01:00:00Z"];
    let around = changes.into_iter().zip(0..).flat_map(|(change, place)| {
        (-20..20).map(move |step| (10_000 + 100 * place + step, at(change) + TimeDelta::minutes(11 * step)))
    });
    year.chain(around.map(|(number, start)| row(number, start))).collect()
}

const ZONES: [Tz; 4] = [Tz::UTC, Tz::Asia__Kolkata, Tz::Australia__Lord_Howe, Tz::Europe__Berlin];

/// Granularities with windows that they are asked for.
fn cuts() -> Vec<(&'static str, Filter)> {
    vec![
        ("15m", window("2026-10-24T22:40:00Z", "2026-10-25T04:05:00Z")),
        ("15m", window("2026-04-04T12:00:00Z", "2026-04-04T18:20:00Z")),
        ("15m", window("2026-10-03T13:10:30Z", "2026-10-03T18:00:00Z")),
        ("hour", window("2026-03-28T20:10:00Z", "2026-03-29T05:00:00Z")),
        ("day", window("2026-03-27T10:00:00Z", "2026-04-06T15:00:00Z")),
        ("week", window("2026-03-11T10:00:00Z", "2026-04-22T03:00:00Z")),
        ("week", window("2025-12-15T00:00:00Z", "2026-01-12T00:00:00Z")),
        ("week", window("2026-09-27T18:30:00Z", "2026-11-08T14:00:00Z")),
        ("month", window("2025-11-25T00:00:00Z", "2026-11-15T12:00:00Z")),
        ("month", window("2026-02-28T23:30:00Z", "2026-03-31T23:00:00Z")),
    ]
}

#[tokio::test]
async fn trends_are_cut_as_the_clock_and_the_calendar_of_the_zone() {
    let rows = rows();
    let log = Log::new(&rows, &Companions::default());
    let app = App::over(made::database("buckets", &rows).await, at("2026-11-20T00:00:00Z"), &[]);
    for (granularity, filter) in cuts() {
        let rows = log.matching(&filter);
        assert!(rows.len() > 10, "{granularity} {filter:?} has rows");
        for zone in ZONES {
            let more = [("timezone", zone.name()), ("granularity", granularity)];
            let trend = ask(&app, "usage-trends", &filter, &more).await;
            check_periods(&trend, &rows, (&filter, granularity, zone), check_bucket);
        }
    }
}

#[tokio::test]
async fn a_series_has_every_bucket_of_its_row() {
    let rows = rows();
    let log = Log::new(&rows, &Companions::default());
    let app = App::over(made::database("series", &rows).await, at("2026-11-20T00:00:00Z"), &[]);
    for ((granularity, filter), zone) in cuts().into_iter().zip(ZONES.into_iter().cycle()) {
        let rows = log.matching(&filter);
        let more = [("timezone", zone.name()), ("granularity", granularity)];
        let overview = ask(&app, "overview", &filter, &more).await;
        check_periods(&overview["series"], &rows, (&filter, granularity, zone), check_point);
        let users = ask(&app, "users", &filter, &more).await;
        for (user, rows) in by_dimension(&rows, "user") {
            let mut rows_of = users.as_array().expect("a list").iter().filter(|row| row["user_id"] == user);
            let series = &rows_of.next().expect("a row of the user")["series"];
            check_periods(series, &rows, (&filter, granularity, zone), check_point);
        }
    }
}

#[tokio::test]
async fn a_series_goes_with_each_list_and_leaves_the_rest_as_it_is() {
    let app = App::of_release(Release::V1_109_1).await;
    let lists: [(&str, &[(&str, &str)]); 8] = [
        ("models", &[]),
        ("agents", &[]),
        ("users", &[]),
        ("errors", &[]),
        ("tools", &[]),
        ("latency", &[("group_by", "team")]),
        ("cost-breakdown", &[("group_by", "tag")]),
        ("cost-breakdown", &[("group_by", "provider,model"), ("top", "2")]),
    ];
    for (endpoint, more) in lists {
        let plain = ask(&app, endpoint, &Filter::default(), more).await;
        let cut = [more, &[("granularity", "day"), ("timezone", "Asia/Kolkata")]].concat();
        let mut list = ask(&app, endpoint, &Filter::default(), &cut).await;
        for row in list.as_array_mut().expect("a list") {
            let series = row.as_object_mut().expect("an object").remove("series").expect("a series");
            let points = series.as_array().expect("points");
            assert_eq!(points.len(), 31, "{endpoint}");
            let total = |field: &str| points.iter().map(|point| point[field].as_f64().expect("a number")).sum::<f64>();
            for (field, names) in [
                ("total_requests", &["total_requests", "total_interactions"][..]),
                ("failed_requests", &["failed_requests"]),
                ("total_tokens", &["total_tokens", "total_tokens_used"]),
                ("total_cost", &["total_cost"]),
            ] {
                for whole in names.iter().filter_map(|name| row[name].as_f64()) {
                    assert!((total(field) - whole).abs() < 1e-9, "{endpoint} {field} of {row}");
                }
            }
        }
        assert_eq!(list, plain, "{endpoint}");
    }
}

#[tokio::test]
async fn a_series_of_too_many_points_is_refused() {
    // What is allowed here is more than a function can answer with.
    let app = App::in_process(Release::V1_109_1).await;
    let refused = app.get("/api/v1/analytics/models?days=365&granularity=hour").await;
    assert_eq!(refused.blamed(), ["granularity"]);
    assert!(refused.text.contains("50000 points") && refused.text.contains("top of at most 5"), "{}", refused.text);
    for allowed in [
        "models?days=365&granularity=hour&top=5",
        "models?days=365&granularity=day",
        "overview?days=32&granularity=15m",
    ] {
        let _ = app.get(&format!("/api/v1/analytics/{allowed}")).await.ok();
    }
    for endpoint in ["overview", "usage-trends", "users"] {
        let refused = app.get(&format!("/api/v1/analytics/{endpoint}?days=33&granularity=15m")).await;
        assert_eq!(refused.blamed(), ["granularity"], "{endpoint}");
        assert!(refused.text.contains("32 days"), "{}", refused.text);
    }
}
