//! What is compared is what a look at the rows of both windows says.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use local::fixtures::Release;
use serde_json::{Map, Value, json};
use tests::App;

use super::analytics::ask;
use tests::expected::figures as expected_figures;
use tests::expected::{Companions, Filter, Log, Row, analytics as expected, as_f64, assert_same};
use tests::made;

/// The rows of an answer as they should be, by the name of an endpoint.
fn answer(endpoint: &str, rows: &[&Row]) -> Vec<Value> {
    match endpoint {
        "overview" => vec![expected::overview(rows)],
        "models" => expected::models(rows),
        "agents" => expected::agents(rows),
        "users" => expected_figures::users(rows),
        "tools" => expected_figures::tools(rows),
        "errors" => expected_figures::errors(rows),
        other => panic!("no answer of {other}"),
    }
}

/// The fields of a row that are no figures.
const NAMES: [&str; 9] = [
    "model",
    "provider",
    "agent_name",
    "user_id",
    "tool_name",
    "error_class",
    "time_period",
    "period_start",
    "category",
];

fn split(row: &Value) -> (Map<String, Value>, Map<String, Value>) {
    row.as_object().expect("an object").clone().into_iter().partition(|(name, _)| NAMES.contains(&name.as_str()))
}

/// How the figures of two windows differ.
fn change(now: &Map<String, Value>, before: &Map<String, Value>) -> Value {
    let changes = now.iter().filter_map(|(name, value)| {
        let (value, previous) = (value.as_f64()?, before[name].as_f64()?);
        let percent = (previous != 0.0).then(|| (10_000.0 * (value - previous) / previous).round() / 100.0);
        Some((name.clone(), json!({"absolute": value - previous, "percent": percent})))
    });
    Value::Object(changes.collect())
}

/// A row is `now`, and compares itself with `before`.
#[track_caller]
fn check(row: &Value, now: &Value, before: Option<&Value>, what: &str) {
    let mut row = row.clone();
    let fields = row.as_object_mut().expect("an object");
    let previous = fields.remove("previous").expect("the previous figures");
    let changes = fields.remove("change").expect("the changes");
    assert_same(&row, now, what);
    let (_, figures) = split(now);
    // A group that the window before did not have is zeros there.
    let zeros =
        || figures.iter().map(|(name, value)| (name.clone(), if value.is_null() { Value::Null } else { json!(0) }));
    let before = before.map_or_else(|| zeros().collect(), |before| split(before).1);
    assert_same(&previous, &Value::Object(before.clone()), what);
    for (name, expected) in change(&figures, &before).as_object().expect("an object") {
        let (absolute, percent) = (&changes[name]["absolute"], &changes[name]["percent"]);
        assert_same(absolute, &expected["absolute"], &format!("{what} {name}"));
        match (percent.as_f64(), expected["percent"].as_f64()) {
            (Some(percent), Some(expected)) => assert!((percent - expected).abs() < 0.011, "{what} {name}: {percent}"),
            (found, expected) => assert_eq!(found, expected, "{what} {name}"),
        }
    }
    assert_eq!(changes.as_object().map(Map::len), change(&figures, &before).as_object().map(Map::len), "{what}");
}

async fn check_all(app: &App, log: &Log, (now, before): (&Filter, &Filter), zone: Tz) {
    let more = [("compare", "previous"), ("timezone", zone.name())];
    for endpoint in ["overview", "models", "agents", "users", "tools", "errors"] {
        let what = format!("{endpoint} {zone} {now:?}");
        let found = ask(app, endpoint, now, &more).await;
        let found = if endpoint == "overview" { vec![found] } else { found.as_array().expect("a list").clone() };
        let (now, before) = (answer(endpoint, &log.matching(now)), answer(endpoint, &log.matching(before)));
        assert_eq!(found.len(), now.len(), "{what}");
        for row in &found {
            let same = |list: &[Value]| {
                let names = split(row).0;
                list.iter().find(|other| split(other).0 == names).cloned()
            };
            check(row, &same(&now).expect("the group has rows"), same(&before).as_ref(), &what);
        }
    }
}

fn of_window(start: DateTime<Utc>, end: DateTime<Utc>) -> Filter {
    Filter { start: Some(start), end: Some(end), ..Filter::default() }
}

#[tokio::test]
async fn the_window_before_is_as_long() {
    for release in [Release::V1_80_0, Release::V1_109_1] {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        let mut starts: Vec<_> = log.rows.iter().map(|row| row.started).collect();
        starts.sort_unstable();
        for (from, to) in [(2, 3), (1, 2), (3, 4)] {
            let at = |quarter: usize| starts[(starts.len() - 1) * quarter / 4] + TimeDelta::seconds(1);
            let (start, end) = (at(from), at(to));
            let (now, before) = (of_window(start, end), of_window(start - (end - start), start));
            check_all(&app, log, (&now, &before), Tz::UTC).await;
            let agent = Some("unknown".to_owned());
            let (now, before) = (Filter { agent_name: agent.clone(), ..now }, Filter { agent_name: agent, ..before });
            check_all(&app, log, (&now, &before), Tz::Asia__Kolkata).await;
        }
    }
}

/// Rows of every few minutes around the day on which the clocks go back in Berlin.
fn rows() -> Vec<Value> {
    let first: DateTime<Utc> = "2026-10-20T00:00:00Z".parse().expect("a time");
    let row = |number: i64| {
        let fields = json!({"spend": 0.001 * as_f64(number % 13), "user": format!("user {}", number % 5)});
        made::row(&format!("r {number}"), first + TimeDelta::minutes(13 * number), fields)
    };
    (0..1_200).map(row).collect()
}

#[tokio::test]
async fn of_whole_days_the_window_before_has_as_many() {
    let rows = rows();
    let log = Log::new(&rows, &Companions::default());
    let at = |text: &str| -> DateTime<Utc> { text.parse().expect("a time") };
    let app = App::over(made::database("compared_days", &rows).await, at("2026-11-10T00:00:00Z"), &[]);
    // Two days from the 26th on, and those before them, of which one has 25 hours.
    let now = of_window(at("2026-10-25T23:00:00Z"), at("2026-10-27T23:00:00Z"));
    let before = of_window(at("2026-10-23T22:00:00Z"), at("2026-10-25T23:00:00Z"));
    check_all(&app, &log, (&now, &before), Tz::Europe__Berlin).await;
    // In another zone these are no whole days.
    let shorter = of_window(at("2026-10-23T23:00:00Z"), at("2026-10-25T23:00:00Z"));
    check_all(&app, &log, (&now, &shorter), Tz::UTC).await;

    let more = [("compare", "previous"), ("timezone", "Europe/Berlin"), ("granularity", "hour")];
    let trend = ask(&app, "usage-trends", &now, &more).await;
    let trend = trend.as_array().expect("a list");
    let hours = |filter: &Filter| {
        let start = filter.start.expect("a start");
        let hour = |hour: i64| start + TimeDelta::hours(hour);
        let rows = log.matching(filter);
        (0..48)
            .map(|number| {
                let within = |row: &&&Row| row.started >= hour(number) && row.started < hour(number + 1);
                expected::bucket(&rows.iter().filter(within).copied().collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(trend.len(), 48);
    for ((bucket, current), previous) in trend.iter().zip(hours(&now)).zip(hours(&before)) {
        let mut current = current.clone();
        for name in ["time_period", "period_start"] {
            current[name] = bucket[name].clone();
        }
        check(bucket, &current, Some(&previous), &bucket["time_period"].to_string());
    }
}

#[tokio::test]
async fn details_and_others_are_compared_too() {
    let app = App::of_release(Release::V1_109_1).await;
    let (now, middle) = (app.now, app.now - TimeDelta::days(3));
    let (current, before) = (of_window(middle, now), of_window(middle - TimeDelta::days(3), middle));
    let more = [("group_by", "model"), ("details", "true"), ("top", "1000")];
    let compared = ask(&app, "cost-breakdown", &current, &[&more[..], &[("compare", "previous")]].concat()).await;
    let alone = ask(&app, "cost-breakdown", &before, &more).await;
    for row in compared.as_array().expect("a list") {
        let same = alone.as_array().expect("a list").iter().find(|other| other["category"] == row["category"]);
        for (name, previous) in row["previous"].as_object().expect("figures") {
            match same {
                Some(same) => assert_eq!(*previous, same[name], "{name} of {row}"),
                None => assert!(previous.is_null() || previous.as_f64() == Some(0.0), "{name} of {row}"),
            }
        }
    }
    // The others are those of this window in the other one as well.
    let top = [("group_by", "model"), ("top", "1"), ("compare", "previous")];
    let folded = ask(&app, "cost-breakdown", &current, &top).await;
    assert_eq!(folded[1]["category"], "other");
    let overview = ask(&app, "overview", &before, &[]).await;
    let requests = |row: &Value| row["previous"]["total_requests"].as_i64().expect("a number");
    assert_eq!(overview["total_requests"], requests(&folded[0]) + requests(&folded[1]));
}
