//! Two dimensions at once, and the first rows of a list.

use std::collections::BTreeMap;

use local::fixtures::Release;
use serde_json::Value;
use tests::App;

use super::analytics::{ask, bounded};
use tests::expected::analytics::categories;
use tests::expected::session::cost;
use tests::expected::{Filter, Log, Money, Row, as_f64, count};

const PAIRS: [(&str, &str); 7] = [
    ("team", "model"),
    ("model", "team"),
    ("user", "agent"),
    ("key", "provider"),
    ("end_user", "user"),
    ("tag", "model"),
    ("tool", "tag"),
];

/// The rows of each pair of categories.
fn by_pair<'a>(rows: &[&'a Row], first: &str, second: &str) -> BTreeMap<(&'a str, &'a str), Vec<&'a Row>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        for one in categories(row, first) {
            for other in categories(row, second) {
                groups.entry((one, other)).or_default().push(row);
            }
        }
    }
    groups
}

fn number(row: &Value, field: &str) -> f64 {
    row[field].as_f64().expect("a number")
}

#[track_caller]
fn check_sums(row: &Value, rows: &[&Row], whole: Money, what: &str) {
    assert_eq!(row["total_requests"], count(rows), "{what}");
    let tokens: i64 = rows.iter().map(|row| row.total_tokens).sum();
    assert_eq!(row["total_tokens"], tokens, "{what}");
    let dollars = cost(rows).dollars();
    assert!((number(row, "total_cost") - dollars).abs() < 1e-9, "{what}");
    assert!((number(row, "avg_cost_per_request") - dollars / as_f64(count(rows))).abs() < 1e-9, "{what}");
    let share = if whole == Money::ZERO { 0.0 } else { 100.0 * dollars / whole.dollars() };
    assert!((number(row, "cost_percentage") - share).abs() <= 0.005 + 1e-9, "{what}");
}

#[tokio::test]
async fn a_breakdown_by_two_dimensions_is_what_a_look_at_every_row_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        let filter = Filter::default();
        let rows = log.matching(&bounded(&app, &filter));
        for (first, second) in PAIRS {
            let group_by = format!("{first},{second}");
            let list = ask(&app, "cost-breakdown", &filter, &[("group_by", &group_by)]).await;
            let list = list.as_array().expect("a list");
            let groups = by_pair(&rows, first, second);
            assert_eq!(list.len(), groups.len(), "{group_by}");
            for pair in list.windows(2) {
                assert!(number(&pair[0], "total_cost") >= number(&pair[1], "total_cost"), "{group_by}");
            }
            for row in list {
                let pair = (row["category"].as_str().expect("a name"), row["subcategory"].as_str().expect("a name"));
                check_sums(row, &groups[&pair], cost(&rows), &format!("{group_by} {pair:?}"));
                for (label, dimension) in [("label", first), ("sublabel", second)] {
                    let label = row.get(label).expect("a label or null");
                    assert!(label.is_null() || ["team", "key"].contains(&dimension), "{group_by}: {label}");
                }
            }
        }
    }
}

#[tokio::test]
async fn labels_go_with_their_own_dimension() {
    let app = App::of_release(Release::V1_109_1).await;
    let filter = Filter::default();
    let labels = |list: &Value, id: &str, label: &str| -> BTreeMap<String, Value> {
        let list = list.as_array().expect("a list").iter();
        list.map(|row| (row[id].as_str().expect("an id").to_owned(), row[label].clone())).collect()
    };
    let alone = ask(&app, "cost-breakdown", &filter, &[("group_by", "team")]).await;
    let alone = labels(&alone, "category", "label");
    assert!(alone.values().any(Value::is_string), "{alone:?}");
    let first = ask(&app, "cost-breakdown", &filter, &[("group_by", "team,model")]).await;
    assert_eq!(labels(&first, "category", "label"), alone);
    let second = ask(&app, "cost-breakdown", &filter, &[("group_by", "model,team")]).await;
    assert_eq!(labels(&second, "subcategory", "sublabel"), alone);
    let latency = ask(&app, "latency", &filter, &[("group_by", "team")]).await;
    assert_eq!(labels(&latency, "category", "label"), alone);
}

#[tokio::test]
async fn the_first_categories_and_all_others_are_the_whole() {
    let release = Release::V1_109_1;
    let (log, app) = (Log::of(release), App::of_release(release).await);
    let filter = Filter::default();
    let rows = log.matching(&bounded(&app, &filter));
    for group_by in ["model", "user", "team,model"] {
        let all = ask(&app, "cost-breakdown", &filter, &[("group_by", group_by)]).await;
        let all = all.as_array().expect("a list");
        let more = [("group_by", group_by), ("top", "3"), ("details", "true")];
        let details = ask(&app, "cost-breakdown", &filter, &more).await;
        let top = ask(&app, "cost-breakdown", &filter, &[("group_by", group_by), ("top", "3")]).await;
        let top = top.as_array().expect("a list");
        assert_eq!(top.len(), 4, "{group_by} has more than three categories");
        assert_eq!(top[..3], all[..3], "{group_by}");
        let (first, second) = group_by.split_once(',').unwrap_or((group_by, "provider"));
        let shown: Vec<(&str, Option<&str>)> = top[..3]
            .iter()
            .map(|row| (row["category"].as_str().expect("a name"), row["subcategory"].as_str()))
            .collect();
        let is_shown = |row: &Row| {
            let (one, other) = (categories(row, first)[0], categories(row, second)[0]);
            shown.iter().any(|(category, subcategory)| *category == one && subcategory.is_none_or(|name| name == other))
        };
        let others: Vec<&Row> = rows.iter().copied().filter(|row| !is_shown(row)).collect();
        assert_eq!(top[3]["category"], "other");
        check_sums(&top[3], &others, cost(&rows), group_by);
        let mut expected = top[3].clone();
        let mut rates = tests::expected::figures::details(&others);
        // Sessions and percentiles do not add up, and the others are known by their sums only.
        for (name, value) in rates.as_object_mut().expect("an object") {
            if name.starts_with('p') || name.ends_with("per_session") {
                *value = Value::Null;
            }
        }
        tests::expected::figures::merge(&mut expected, rates);
        tests::expected::assert_same(&details[3], &expected, group_by);
    }
}

#[tokio::test]
async fn a_list_has_its_first_rows_only_if_asked_so() {
    let app = App::of_release(Release::V1_109_1).await;
    for endpoint in ["models", "agents", "users", "errors", "tools", "latency?group_by=model"] {
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let all = app.get(&format!("/api/v1/analytics/{endpoint}")).await.ok();
        let top = app.get(&format!("/api/v1/analytics/{endpoint}{separator}top=2")).await.ok();
        assert_eq!(top.as_array().expect("a list")[..], all.as_array().expect("a list")[..2], "{endpoint}");
    }
}

#[tokio::test]
async fn dimensions_are_one_or_two_different_ones() {
    let app = App::of_release(Release::V1_80_0).await;
    for wrong in ["model,model", "model,team,key", "model,team,"] {
        let refused = app.get(&format!("/api/v1/analytics/cost-breakdown?group_by={wrong}")).await;
        assert_eq!(refused.blamed(), ["group_by"], "{wrong}");
        assert!(refused.text.contains("two"), "{}", refused.text);
    }
    let refused = app.get("/api/v1/analytics/latency?group_by=model,team").await;
    assert_eq!(refused.blamed(), ["group_by"]);
    let _ = app.get("/api/v1/analytics/cost-breakdown?group_by=model,tool").await.ok();
}
