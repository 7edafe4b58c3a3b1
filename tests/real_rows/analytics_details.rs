//! Rates and percentiles are what a look at every row says, and absent unless asked for.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use local::fixtures::Release;
use serde_json::Value;
use tests::App;

use super::analytics::{ask, bounded, questions};
use tests::expected::analytics::{by_day, by_dimension, group, or_unknown};
use tests::expected::figures as expected;
use tests::expected::{Dice, Filter, Log, Row, assert_same};

/// The endpoint, what else it is asked, and the fields that name a row.
type List = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const LISTS: [List; 8] = [
    ("models", &[], &["model", "provider"]),
    ("agents", &[], &["agent_name"]),
    ("users", &[], &["user_id"]),
    ("errors", &[], &["error_class", "model"]),
    ("tools", &[], &["tool_name"]),
    ("cost-breakdown", &[("group_by", "tag")], &["category"]),
    ("cost-breakdown", &[("group_by", "team,model")], &["category", "subcategory"]),
    ("latency", &[("group_by", "provider")], &["category"]),
];

/// The rows of each group of an endpoint, by its names.
fn groups<'a>(rows: &[&'a Row], endpoint: &str, more: &[(&str, &str)]) -> BTreeMap<Vec<String>, Vec<&'a Row>> {
    let by = |dimension: &str| -> BTreeMap<Vec<String>, Vec<&'a Row>> {
        by_dimension(rows, dimension).into_iter().map(|(name, rows)| (vec![name.to_owned()], rows)).collect()
    };
    let model = |row: &Row| or_unknown(row.group.as_ref()).to_owned();
    match (endpoint, more.first()) {
        ("models", _) => group(rows, |row| vec![model(row), or_unknown(row.provider.as_ref()).to_owned()]),
        ("agents", _) => by("agent"),
        ("users", _) => by("user"),
        ("tools", _) => by("tool"),
        ("errors", _) => {
            let failed: Vec<&Row> = rows.iter().copied().filter(|row| row.failed).collect();
            group(&failed, |row| vec![or_unknown(row.error_class.as_ref()).to_owned(), model(row)])
        }
        (_, Some((_, "team,model"))) => group(rows, |row| vec![or_unknown(row.team.as_ref()).to_owned(), model(row)]),
        (_, Some((_, dimension))) => by(dimension),
        other => panic!("no groups of {other:?}"),
    }
}

/// A row with details is the row without them, and what is expected of them.
#[track_caller]
fn check(plain: &Value, detailed: &Value, rows: &[&Row], what: &str) {
    let mut expected = plain.clone();
    expected::merge(&mut expected, expected::details(rows));
    assert_same(detailed, &expected, what);
}

async fn check_lists(app: &App, rows: &[&Row], filter: &Filter) {
    for (endpoint, more, names) in LISTS {
        let (plain, detailed) = (ask(app, endpoint, filter, more).await, {
            let more = [more, &[("details", "true")]].concat();
            ask(app, endpoint, filter, &more).await
        });
        let groups = groups(rows, endpoint, more);
        let (plain, detailed) = (plain.as_array().expect("a list"), detailed.as_array().expect("a list").clone());
        assert_eq!((plain.len(), detailed.len()), (groups.len(), groups.len()), "{endpoint} {filter:?}");
        for (plain, detailed) in plain.iter().zip(&detailed) {
            let names: Vec<String> =
                names.iter().map(|name| plain[name].as_str().expect("a name").to_owned()).collect();
            check(plain, detailed, &groups[&names], &format!("{endpoint} {names:?} {filter:?}"));
        }
    }
}

#[tokio::test]
async fn details_are_what_a_look_at_every_row_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        for filter in questions(log, &mut Dice(17)).into_iter().step_by(3) {
            let rows = log.matching(&bounded(&app, &filter));
            let plain = ask(&app, "overview", &filter, &[]).await;
            let detailed = ask(&app, "overview", &filter, &[("details", "true"), ("exact", "true")]).await;
            check(&plain, &detailed, &rows, &format!("{filter:?}"));
            check_lists(&app, &rows, &filter).await;
            let plain = ask(&app, "usage-trends", &filter, &[]).await;
            let detailed = ask(&app, "usage-trends", &filter, &[("details", "true")]).await;
            let days = by_day(&rows, Tz::UTC);
            for (plain, detailed) in plain.as_array().expect("a list").iter().zip(detailed.as_array().expect("a list"))
            {
                let day = plain["time_period"].as_str().and_then(|day| day.parse().ok()).expect("a day");
                check(plain, detailed, days.get(&day).map_or(&[], Vec::as_slice), &format!("{day} {filter:?}"));
            }
        }
    }
}

#[tokio::test]
async fn without_an_index_details_have_to_be_asked_for() {
    let app = App::of_release(Release::V1_109_1).await;
    for (endpoint, more, _) in LISTS {
        let plain = ask(&app, endpoint, &Filter::default(), more).await;
        let more = [more, &[("details", "false")]].concat();
        assert_eq!(plain, ask(&app, endpoint, &Filter::default(), &more).await, "{endpoint}");
        assert_eq!(plain[0]["error_rate"], Value::Null, "{endpoint}");
    }
}
