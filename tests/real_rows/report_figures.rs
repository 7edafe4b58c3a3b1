//! Every figure of a report is what the API answers for the same window, and what a look at every row says.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use local::fixtures::Release;
use serde_json::{Value, json};
use tests::App;
use tests::expected::analytics::{by_day, by_dimension, sessions, sum};
use tests::expected::log::path;
use tests::expected::report::{money, report};
use tests::expected::session::cost;
use tests::expected::{Filter, Log, Money, Row, count};

pub const DIMENSIONS: [&str; 7] = ["team", "agent", "user", "model", "provider", "key", "end_user"];

async fn ask(app: &App, endpoint: &str, filter: &Filter, more: &[(&str, &str)]) -> Value {
    let mut parameters: Vec<(&str, String)> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    parameters.extend(filter.parameters());
    app.get(&path(&format!("/api/v1/{endpoint}"), &parameters)).await.ok()
}

#[track_caller]
fn about(exact: &Value, number: &Value) {
    let (exact, number) = (money(exact).dollars(), number.as_f64().expect("a number"));
    assert!((exact - number).abs() <= 1e-12 * exact.abs().max(1.0), "{exact} is not {number}");
}

/// The totals by the rows.
fn totals(rows: &[&Row]) -> Value {
    let cached: Vec<i64> = rows.iter().filter_map(|row| row.cached_tokens).collect();
    json!({
        "requests": count(rows),
        "total_tokens": sum(rows, |row| row.total_tokens),
        "prompt_tokens": sum(rows, |row| row.prompt_tokens),
        "completion_tokens": sum(rows, |row| row.completion_tokens),
        "cached_tokens": (!cached.is_empty()).then(|| cached.iter().sum::<i64>()),
        "sessions": sessions(rows),
        "failed_requests": sum(rows, |row| row.failed.into()),
        "cache_hits": sum(rows, |row| row.cache_hit.into()),
    })
}

/// What the answers from LiteLLM's cache saved, by model.
fn savings(rows: &[&Row]) -> Option<f64> {
    let models = by_dimension(rows, "model").into_values();
    let models: Vec<(i64, i64, f64)> = models
        .map(|rows| {
            let hits = sum(&rows, |row| row.cache_hit.into());
            (hits, count(&rows) - hits - sum(&rows, |row| row.failed.into()), cost(&rows).dollars())
        })
        .filter(|(hits, _, _)| *hits > 0)
        .collect();
    let known: Vec<f64> = models
        .iter()
        .filter(|(_, others, _)| *others > 0)
        .map(|(hits, others, cost)| *hits as f64 * cost / *others as f64)
        .collect();
    (models.is_empty() || !known.is_empty()).then(|| known.iter().sum())
}

fn check_totals(actual: &Value, rows: &[&Row], what: &str) {
    let expected = totals(rows);
    for (name, value) in expected.as_object().expect("fields") {
        assert_eq!(actual[name], *value, "{what}: {name}");
    }
    assert_eq!(money(&actual["spend"]), cost(rows), "{what}: spend");
    match savings(rows) {
        None => assert!(actual["cache_savings"].is_null(), "{what}"),
        Some(saved) => {
            let actual = money(&actual["cache_savings"]).dollars();
            assert!((actual - saved).abs() < 1e-6, "{what}: {actual} was not saved, but {saved}");
        }
    }
}

fn check_parts(report: &Value, what: &str) {
    let whole = &report["totals"];
    let parts = report["breakdowns"].as_array().expect("breakdowns").iter().map(|one| &one["rows"]);
    for rows in parts.chain([&report["days"]]) {
        let rows = rows.as_array().expect("rows");
        if rows.is_empty() {
            assert_eq!(whole["requests"], 0, "{what}");
            continue;
        }
        assert_eq!(rows.iter().map(|row| money(&row["spend"])).sum::<Money>(), money(&whole["spend"]), "{what}");
        for figure in ["requests", "total_tokens", "failed_requests"] {
            let sum: i64 = rows.iter().map(|row| row[figure].as_i64().expect("a count")).sum();
            assert_eq!(json!(sum), whole[figure], "{what}: {figure}");
        }
    }
}

fn check_breakdown(actual: &Value, rows: &[&Row], dimension: &str, top: usize) {
    let groups = by_dimension(rows, dimension);
    let actual = actual["rows"].as_array().expect("rows");
    let shown: Vec<&Value> = actual.iter().filter(|row| !row["id"].is_null()).collect();
    assert_eq!(shown.len(), groups.len().min(top), "{dimension}");
    for row in &shown {
        let rows = &groups[row["id"].as_str().expect("an id")];
        assert_eq!(money(&row["spend"]), cost(rows), "{dimension} {}", row["id"]);
        assert_eq!(row["requests"], json!(count(rows)), "{dimension} {}", row["id"]);
        assert_eq!(row["total_tokens"], json!(sum(rows, |row| row.total_tokens)), "{dimension} {}", row["id"]);
        assert_eq!(row["failed_requests"], json!(sum(rows, |row| row.failed.into())), "{dimension} {}", row["id"]);
    }
    assert_eq!(actual.len() - shown.len(), usize::from(groups.len() > top), "{dimension}: all others");
}

/// The report's figures are the API's.
async fn check_api(app: &App, report: &Value, filter: &Filter, top: usize) {
    let window = Filter {
        start: Some(report["start"].as_str().expect("a time").parse().expect("a time")),
        end: Some(report["end"].as_str().expect("a time").parse().expect("a time")),
        ..filter.clone()
    };
    let overview = ask(app, "analytics/overview", &window, &[("details", "true")]).await;
    let totals = &report["totals"];
    about(&totals["spend"], &overview["total_cost"]);
    for (ours, theirs) in [
        ("requests", "total_requests"),
        ("sessions", "unique_sessions"),
        ("total_tokens", "total_tokens"),
        ("failed_requests", "failed_requests"),
        ("cache_hits", "cache_hits"),
        ("cached_tokens", "cached_tokens"),
    ] {
        assert_eq!(totals[ours], overview[theirs], "{ours}");
    }
    let limit = top.to_string();
    for breakdown in report["breakdowns"].as_array().expect("breakdowns") {
        let by = breakdown["by"].as_str().expect("a dimension");
        let list = ask(app, "analytics/cost-breakdown", &window, &[("group_by", by), ("top", &limit)]).await;
        let (ours, theirs) = (breakdown["rows"].as_array().expect("rows"), list.as_array().expect("rows"));
        assert_eq!(ours.len(), theirs.len(), "{by}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours["id"].as_str().unwrap_or("other"), theirs["category"], "{by}");
            assert_eq!(ours["label"], theirs["label"], "{by}");
            assert_eq!(ours["requests"], theirs["total_requests"], "{by}");
            assert_eq!(ours["total_tokens"], theirs["total_tokens"], "{by}");
            assert_eq!(ours["percent"], theirs["cost_percentage"], "{by}");
            about(&ours["spend"], &theirs["total_cost"]);
        }
    }
    let sessions = ask(app, "sessions", &window, &[("sort", "cost"), ("limit", &limit)]).await;
    let (ours, theirs) = (report["sessions"].as_array().expect("a list"), sessions.as_array().expect("a list"));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        for (our, their) in [
            ("session_id", "session_id"),
            ("requests", "total_messages"),
            ("total_tokens", "total_tokens"),
            ("session_start", "session_start"),
            ("last_activity", "last_activity"),
            ("agent_name", "agent_name"),
            ("user_id", "user_id"),
        ] {
            assert_eq!(ours[our], theirs[their], "{our}");
        }
        about(&ours["spend"], &theirs["total_cost"]);
    }
}

fn filters() -> Vec<Filter> {
    let of = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    };
    vec![
        Filter::default(),
        of(|filter| filter.team_id = Some("team-support".into())),
        of(|filter| filter.agent_name = Some("sql-analyst".into())),
        of(|filter| filter.user_id = Some("unknown".into())),
        of(|filter| filter.model = Some("gpt-4o-mini".into())),
    ]
}

#[tokio::test]
async fn every_figure_is_the_apis_and_the_rows() {
    for release in Release::ALL {
        let (app, log) = (App::of_release(release).await, Log::of(release));
        let newest = log.rows.iter().map(|row| row.started).max().expect("rows");
        let day = newest.date_naive().to_string();
        let [from, until] = [TimeDelta::days(3), TimeDelta::minutes(7)]
            .map(|back| (newest - back).to_rfc3339_opts(SecondsFormat::Millis, true));
        for filter in filters() {
            for (window, top) in [
                (vec![("period", "month"), ("start_date", day.as_str())], 3),
                (vec![("period", "week"), ("start_date", day.as_str()), ("timezone", "Asia/Kolkata")], 100),
                (vec![("start_date", from.as_str()), ("end_date", until.as_str())], 2),
            ] {
                let top_text = top.to_string();
                let mut parameters = window.clone();
                parameters.push(("top", &top_text));
                let report = report(&app, &filter, &parameters).await;
                let edge = |name: &str| Some(report[name].as_str().expect("a time").parse().expect("a time"));
                let rows = log.matching(&Filter { start: edge("start"), end: edge("end"), ..filter.clone() });
                let what = format!("{release:?} {filter:?} {window:?}");
                assert!(!rows.is_empty() || !filter.parameters().is_empty(), "{what}: no rows");

                check_totals(&report["totals"], &rows, &what);
                check_parts(&report, &what);
                for (breakdown, dimension) in report["breakdowns"].as_array().expect("a list").iter().zip(DIMENSIONS) {
                    assert_eq!(breakdown["by"], dimension);
                    check_breakdown(breakdown, &rows, dimension, top);
                }
                check_days(&report, &rows);
                check_api(&app, &report, &filter, top).await;
            }
        }
    }
}

fn check_days(report: &Value, rows: &[&Row]) {
    let zone = report["timezone"].as_str().expect("a zone").parse().expect("a zone");
    let mut by_day: BTreeMap<String, Vec<&Row>> =
        by_day(rows, zone).into_iter().map(|(day, rows)| (day.to_string(), rows)).collect();
    for day in report["days"].as_array().expect("days") {
        let rows = by_day.remove(day["day"].as_str().expect("a day")).unwrap_or_default();
        assert_eq!(money(&day["spend"]), cost(&rows), "{day}");
        assert_eq!(day["requests"], json!(count(&rows)), "{day}");
    }
    assert!(by_day.is_empty(), "days without a line: {:?}", by_day.keys());
}

#[tokio::test]
async fn comparisons_are_reports_of_their_own_times() {
    let (app, log) = (App::of_release(Release::V1_109_1).await, Log::of(Release::V1_109_1));
    let report = report(&app, &Filter::default(), &[("period", "day"), ("start_date", "2026-11-21")]).await;
    let first: DateTime<Utc> = log.rows.iter().map(|row| row.started).min().expect("rows");
    assert_eq!(report["data_since"], json!(first));
    let [previous, month, year] = &report["comparisons"].as_array().expect("three")[..] else { panic!("three") };
    assert_eq!([&previous["label"], &month["label"], &year["label"]], ["2026-11-20", "2026-10-21", "2025-11-21"]);
    assert_eq!((&month["reach"], &month["totals"]), (&json!("unknown"), &Value::Null));
    assert_eq!((&year["reach"], &year["totals"]), (&json!("unknown"), &Value::Null));
    assert_eq!(previous["reach"], "whole");
    let window = |from: &str, to: &str| Filter {
        start: Some(from.parse().expect("a time")),
        end: Some(to.parse().expect("a time")),
        ..Filter::default()
    };
    let before = log.matching(&window("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"));
    assert_eq!(money(&previous["totals"]["spend"]), cost(&before));
    assert_eq!(previous["totals"]["sessions"], json!(sessions(&before)));
    for breakdown in report["breakdowns"].as_array().expect("breakdowns") {
        let groups = by_dimension(&before, breakdown["by"].as_str().expect("a dimension"));
        for row in breakdown["rows"].as_array().expect("rows").iter().filter(|row| !row["id"].is_null()) {
            let rows = groups.get(row["id"].as_str().expect("an id")).cloned().unwrap_or_default();
            assert_eq!(money(&row["previous_spend"]), cost(&rows), "{row}");
        }
    }
    // Newcomers: those of the day that no earlier row has.
    let today = log.matching(&window("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"));
    let earlier = log.matching(&window("1970-01-01T00:00:00Z", "2026-11-21T00:00:00Z"));
    for (name, dimension) in [("models", "model"), ("agents", "agent"), ("users", "user")] {
        let seen = by_dimension(&earlier, dimension);
        let mut expected: Vec<&str> = by_dimension(&today, dimension)
            .into_keys()
            .filter(|id| !seen.contains_key(id) && *id != "unknown")
            .collect();
        let mut actual: Vec<&str> = report["first_seen"][name]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["id"].as_str().expect("an id"))
            .collect();
        expected.sort_unstable();
        actual.sort_unstable();
        assert_eq!(actual, expected, "{name}");
    }
}
