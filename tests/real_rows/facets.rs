//! The values of each dimension are those that a look at every row finds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use local::fixtures::Release;
use serde_json::Value;
use tests::App;
use tests::expected::analytics::categories;
use tests::expected::log::{path, value_of};
use tests::expected::{Dice, Filter, Log, Row};

const DIMENSIONS: [&str; 10] =
    ["model", "agent", "user", "end_user", "team", "key", "provider", "tag", "tool", "error_class"];

/// A value, its requests, and the start of the last.
type Seen = (String, u64, DateTime<Utc>);

/// The values of these rows, the most frequent first.
fn expected(rows: &[&Row], dimension: &str) -> Vec<Seen> {
    let mut values: BTreeMap<String, (u64, DateTime<Utc>)> = BTreeMap::new();
    for row in rows {
        for value in categories(row, dimension) {
            let (requests, last) = values.entry(value.to_owned()).or_insert((0, row.started));
            *requests += 1;
            *last = row.started.max(*last);
        }
    }
    let mut values: Vec<Seen> = values.into_iter().map(|(value, (requests, last))| (value, requests, last)).collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values
}

fn seen(facet: &Value) -> Seen {
    let last = facet["last_seen"].as_str().expect("a time").parse().expect("a time");
    (facet["value"].as_str().expect("a text").to_owned(), facet["total_requests"].as_u64().expect("a number"), last)
}

async fn ask(app: &App, dimension: &str, filter: &Filter, more: &[(&'static str, String)]) -> Vec<Value> {
    let mut parameters = filter.parameters();
    if filter.start.is_none() {
        parameters.push(("days", "365".to_owned()));
    }
    parameters.extend(more.iter().cloned());
    let answer = app.get(&path(&format!("/api/v1/facets/{dimension}"), &parameters)).await.ok();
    answer.as_array().expect("a list").clone()
}

/// Windows and filters that cut the log.
fn filters(log: &Log) -> Vec<Filter> {
    let mut dice = Dice(11);
    let mut starts: Vec<_> = log.rows.iter().map(|row| row.started).collect();
    starts.sort_unstable();
    let (middle, last) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    let mut filters = vec![
        Filter::default(),
        Filter { start: Some(starts[0]), end: Some(middle), ..Filter::default() },
        Filter { start: Some(middle), end: Some(last), ..Filter::default() },
    ];
    for names in [&["user_id"][..], &["model"], &["agent_name", "agent_name"], &["key"], &["tag"], &["session_id"]] {
        let more = names.iter().map(|name| (*name, value_of(dice.pick(&log.rows), name))).collect();
        filters.push(Filter { more, ..Filter::default() });
    }
    filters
}

#[tokio::test]
async fn every_value_is_listed_with_its_requests_and_its_last_start() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        for filter in filters(log) {
            let rows = log.matching(&filter);
            for dimension in DIMENSIONS {
                let listed = ask(&app, dimension, &filter, &[("limit", "1000".to_owned())]).await;
                let listed: Vec<Seen> = listed.iter().map(seen).collect();
                assert_eq!(listed, expected(&rows, dimension), "{release:?} {dimension} {filter:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_prefix_leaves_the_values_and_labels_that_begin_so_and_a_limit_the_first() {
    let (log, app) = (Log::of(Release::V1_109_1), App::of_release(Release::V1_109_1).await);
    let rows = log.matching(&Filter::default());
    for dimension in DIMENSIONS {
        let all = ask(&app, dimension, &Filter::default(), &[("limit", "1000".to_owned())]).await;
        let label = |facet: &Value| facet["label"].as_str().map(str::to_lowercase);
        for prefix in ["s", "S", "un", "gpt-4", "søR", "Ø", "%", "_"] {
            let begins = |text: &str| text.to_lowercase().starts_with(&prefix.to_lowercase());
            let left = |facet: &&Value| begins(&seen(facet).0) || label(facet).is_some_and(|label| begins(&label));
            let left: Vec<&Value> = all.iter().filter(left).collect();
            let more = [("prefix", prefix.to_owned()), ("limit", "1000".to_owned())];
            assert_eq!(
                ask(&app, dimension, &Filter::default(), &more).await.iter().collect::<Vec<_>>(),
                left,
                "{prefix}"
            );
        }
        let first = ask(&app, dimension, &Filter::default(), &[("limit", "2".to_owned())]).await;
        let expected: Vec<Seen> = expected(&rows, dimension).into_iter().take(2).collect();
        assert_eq!(first.iter().map(seen).collect::<Vec<_>>(), expected, "{dimension}");
    }
    let keys = ask(&app, "key", &Filter::default(), &[("prefix", "SUPPORT-bot-p".to_owned())]).await;
    assert_eq!(keys.iter().map(|key| key["label"].as_str()).collect::<Vec<_>>(), [Some("support-bot-prod")]);
}

#[tokio::test]
async fn an_unknown_dimension_is_not_found_and_the_known_ones_are_told() {
    let app = App::of_release(Release::V1_80_0).await;
    for dimension in ["models", "status", "Model", "a%2Fb", "🦀", "%20"] {
        let problem = app.get(&format!("/api/v1/facets/{dimension}")).await.problem(404);
        let detail = problem["detail"].as_str().expect("a text");
        assert!(DIMENSIONS.iter().all(|known| detail.contains(known)), "{detail}");
    }
    assert_eq!(app.get("/api/v1/facets/a%00b").await.blamed(), ["dimension"]);
    assert_eq!(app.get(&format!("/api/v1/facets/{}", "x".repeat(8_001))).await.blamed(), ["dimension"]);
}
