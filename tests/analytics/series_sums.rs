//! Buckets sum to their row, however a window is cut.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tests::database::is_native;
use tests::endpoints::{self, Endpoint};
use tests::expected::{Dice, as_f64};
use tests::made;
use tests::{App, encode, index};
use traceability_core::time::start_of_day;

const GRANULARITIES: [&str; 5] = ["15m", "hour", "day", "week", "month"];
const ZONES: [Tz; 4] = [Tz::UTC, Tz::Europe__Berlin, Tz::Asia__Kathmandu, Tz::America__St_Johns];

/// The figures that add up, each by the names that a row and a bucket have for it.
const ADDITIVE: [&[&str]; 5] = [
    &["total_requests", "total_interactions"],
    &["failed_requests"],
    &["total_tokens", "total_tokens_used"],
    &["total_cost"],
    &["function_calls", "total_function_calls", "function_calls_count"],
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// Requests of more than a year, and many on one day and around two changes of the clocks.
fn rows() -> Vec<Value> {
    let row = |number: i64, start: DateTime<Utc>| {
        let call = json!({"choices": [{"message": {"role": "assistant", "content": null, "tool_calls": [
            {"id": format!("call {number}"), "type": "function", "function": {"name": "search", "arguments": "{}"}},
        ]}}]});
        let fields = json!({
            "spend": 0.0001 * as_f64(number % 97), "session_id": format!("s {}", number / 4),
            "user": format!("user {}", number % 3), "team_id": format!("team {}", number % 2),
            "status": if number % 7 == 0 { "failure" } else { "success" },
            "request_tags": if number % 2 == 0 { json!(["even", "all"]) } else { json!(["all"]) },
            "total_tokens": number % 1_000, "response": if number % 5 == 0 { call } else { json!({}) },
        });
        made::row(&format!("r {number}"), start, fields)
    };
    let year = (0..600).map(|step| (step, at("2025-11-10T00:00:00Z") + TimeDelta::minutes(step * 907)));
    let day = (0..200).map(|step| (1_000 + step, at("2026-11-20T00:00:00Z") + TimeDelta::seconds(step * 431)));
    let changes = [at("2026-03-29T01:00:00Z"), at("2026-10-25T01:00:00Z")].into_iter().zip(0..);
    let around = changes.flat_map(|(change, place)| {
        (-15..15).map(move |step| (2_000 + 100 * place + step, change + TimeDelta::minutes(13 * step)))
    });
    year.chain(day).chain(around).map(|(number, start)| row(number, start)).collect()
}

/// Windows of one bucket each.
fn single(granularity: &str, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let day = |month, day| start_of_day(NaiveDate::from_ymd_opt(2026, month, day).expect("a day"), zone);
    let hour = at("2026-11-20T09:00:00Z") - TimeDelta::minutes(i64::from(zone == Tz::Asia__Kathmandu) * 15);
    let hour = hour + TimeDelta::minutes(i64::from(zone == Tz::America__St_Johns) * 30);
    match granularity {
        "15m" => (hour, hour + TimeDelta::minutes(15)),
        "hour" => (hour, hour + TimeDelta::hours(1)),
        "day" => (day(11, 20), day(11, 21)),
        "week" => (day(11, 16), day(11, 23)),
        // With a change of the clocks in it.
        _ => (day(3, 1), day(4, 1)),
    }
}

/// A window of anything from a second to a year that begins anywhere.
fn any_window(dice: &mut Dice, granularity: &str) -> (DateTime<Utc>, DateTime<Utc>) {
    let lengths = [1, 59, 900, 3_600, 5_400, 86_400, 100_000, 7 * 86_400, 31 * 86_400, 366 * 86_400];
    let most = if granularity == "15m" { 9 } else { 10 };
    let length = TimeDelta::seconds(lengths[dice.below(most)]);
    let from = [at("2026-11-20T11:13:05Z"), at("2026-10-24T22:00:00Z"), at("2026-03-28T20:30:00Z")];
    let start = if length > TimeDelta::days(31) { at("2025-11-12T01:02:03Z") } else { *dice.pick(&from) };
    let start = start + TimeDelta::milliseconds(i64::try_from(dice.below(7_200_000)).expect("small"));
    (start, start + length)
}

fn figure(row: &Value, names: &[&str]) -> Option<f64> {
    names.iter().find_map(|name| row[*name].as_f64())
}

/// Checks that the buckets sum to the row, in each figure that both have. Returns the row's requests.
fn check(row: &Value, buckets: &[Value], what: &str) -> f64 {
    assert!(!buckets.is_empty(), "{what} has no bucket");
    let mut compared = 0;
    for names in ADDITIVE {
        let (Some(whole), Some(_)) = (figure(row, names), figure(&buckets[0], names)) else { continue };
        let sum: f64 = buckets.iter().map(|bucket| figure(bucket, names).expect("each bucket has it")).sum();
        assert!((sum - whole).abs() < 1e-9, "{what}: {names:?} are {whole}, in the buckets {sum}\n{row}");
        compared += 1;
    }
    assert!(compared >= 1, "{what} has no figures: {row}");
    figure(row, ADDITIVE[0]).or_else(|| figure(row, ADDITIVE[1])).expect("requests")
}

/// Asks an endpoint for a window in buckets and checks them. Returns how many requests its rows have.
async fn check_endpoint(app: &App, endpoint: &Endpoint, question: &str, more: &str) -> f64 {
    let path = format!("{}?{question}{more}", endpoint.path);
    let answer = app.get(&path).await.ok();
    if endpoint.path.ends_with("/usage-trends") {
        let (whole, _) = question.split_once("&granularity").expect("the window comes first");
        let overview = app.get(&format!("/api/v1/analytics/overview?{whole}")).await.ok();
        return check(&overview, answer.as_array().expect("a list"), &path);
    }
    let rows = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
    rows.iter().map(|row| check(row, row["series"].as_array().expect("a series"), &path)).sum()
}

/// What an endpoint is asked for beside the window.
fn variants(endpoint: &Endpoint) -> &'static [&'static str] {
    match endpoint.path.rsplit('/').next() {
        Some("cost-breakdown") => &["", "&group_by=tag", "&group_by=tool", "&group_by=team,user&top=2"],
        Some("latency") => &["", "&group_by=team"],
        _ => &[""],
    }
}

#[tokio::test]
async fn the_buckets_of_any_window_sum_to_the_row() {
    let now = at("2026-11-25T00:00:00Z");
    let database = made::database("series_sums", &rows()).await;
    let mut apps = vec![App::over(database.clone(), now, &[("INDEX", "off")])];
    if is_native() {
        index::fill(&database).await;
        apps.push(App::over(database, now, &[]));
    }
    let all = endpoints::over_the_log();
    let cut: Vec<&Endpoint> = all.iter().filter(|endpoint| endpoint.takes("granularity")).collect();
    assert!(cut.len() >= 9, "{cut:?}");
    let mut dice = Dice(71);
    let mut zones = ZONES.into_iter().cycle();
    let question = |(start, end): (DateTime<Utc>, DateTime<Utc>), zone: Tz, granularity: &str| {
        let [start, end] = [start, end].map(|instant| encode(&instant.to_rfc3339()));
        format!("start_date={start}&end_date={end}&timezone={}&granularity={granularity}", encode(zone.name()))
    };
    for app in &apps {
        for endpoint in &cut {
            for (granularity, more) in GRANULARITIES.into_iter().zip(variants(endpoint).iter().cycle()) {
                let zone = zones.next().expect("there is always one");
                let question = question(single(granularity, zone), zone, granularity);
                let requests = check_endpoint(app, endpoint, &question, more).await;
                let has_some = requests > 0.0
                    || ["/tools", "/errors"].iter().any(|end| endpoint.path.ends_with(end))
                    || !more.is_empty();
                assert!(has_some, "{} has no requests: {question}", endpoint.path);
            }
        }
        for _ in 0..25 {
            let (granularity, endpoint) = (*dice.pick(&GRANULARITIES), *dice.pick(&cut));
            let question = question(any_window(&mut dice, granularity), *dice.pick(&ZONES), granularity);
            let more = *dice.pick(variants(endpoint));
            check_endpoint(app, endpoint, &question, more).await;
        }
    }
}
