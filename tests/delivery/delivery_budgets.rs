//! Budgets that run out are told of once for each threshold.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::made;
use tests::receiver::Mood;
use tests::reporting::World;

const TARGETS: &str = r#"[
    {"name": "all", "kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"}, "periods": []},
    {"name": "sales", "kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"}, "periods": [],
     "filter": {"team_id": "team-sales"}},
    {"name": "quiet", "kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"}, "periods": [],
     "budget_alerts": false}
]"#;

/// Ten dollars a day from the second of November to the fifth of December, a tenth of it by team-sales.
async fn world(name: &str) -> World {
    let first = "2026-11-02T12:00:00Z".parse::<chrono::DateTime<Utc>>().expect("a time");
    let mut rows = Vec::new();
    for day in 0..34 {
        let at = first + TimeDelta::days(day);
        rows.push(made::row(&format!("a-{day}"), at, json!({"team_id": "team-support", "spend": 9.0})));
        rows.push(made::row(&format!("b-{day}"), at, json!({"team_id": "team-sales", "spend": 1.0})));
    }
    let budgets = r#"{"total": 200, "team": {"team-sales": 10, "team-support": 10000}}"#;
    World::new(made::database(name, &rows).await, &[("REPORT_TARGETS", TARGETS), ("BUDGETS", budgets)]).await
}

/// The thresholds that were told of, by target: `total 50`.
fn told(messages: &[tests::receiver::Received], target: &str) -> Vec<String> {
    let messages = messages.iter().map(tests::receiver::Received::json);
    let messages = messages.filter(|it| it["target"] == target && it["type"] == "budget_alert");
    let crossed = |message: Value| message["data"]["crossed"].as_array().expect("crossings").clone();
    let one = |it: Value| {
        let (budget, id) = (&it["budget"], it["budget"]["id"].as_str());
        format!("{} {}", id.or(budget["of"].as_str()).unwrap_or_default(), it["threshold_percent"])
    };
    messages.flat_map(crossed).map(one).collect()
}

#[tokio::test]
async fn a_threshold_is_told_once_on_the_day_it_is_crossed() {
    let world = world("delivery_budgets").await;
    let mut heard = Vec::new();
    for day in 2..=30 {
        let evening = format!("2026-11-{day:02}T18:00:00Z").parse().expect("a time");
        world.run(evening, &json!({})).await.expect("all are told");
        let count = world.receiver.received().len();
        if heard.last().map_or(0, |(_, before)| *before) != count {
            heard.push((day, count));
            world.run(evening, &json!({})).await.expect("nobody is told again");
            assert_eq!(world.receiver.received().len(), count, "day {day}");
        }
    }
    let messages = world.receiver.received();
    assert_eq!(told(&messages, "sales"), ["team-sales 50", "team-sales 80", "team-sales 100"]);
    let mut all = told(&messages, "all");
    all.sort();
    assert_eq!(all, ["team-sales 100", "team-sales 50", "team-sales 80", "total 100", "total 50", "total 80"]);
    assert_eq!(told(&messages, "quiet"), Vec::<String>::new());
    // Of the team on the 6th, 9th and 11th, to two; of the total on the 11th, in the same message, 17th and 21st.
    assert_eq!(heard, [(6, 2), (9, 4), (11, 6), (17, 7), (21, 8)]);
    let first = messages[0].json();
    assert!(
        first["title"].as_str().is_some_and(|title| title.contains("team-sales for 2026-11: 50 % used")),
        "{first}"
    );
    // A new month is a new budget.
    world.run("2026-12-08T18:00:00Z".parse().expect("a time"), &json!({})).await.expect("all are told");
    let later = world.receiver.received().split_off(messages.len());
    assert_eq!(told(&later, "sales"), ["team-sales 50"]);
}

/// The last day of a month has no run of its own month: the next morning looks back.
#[tokio::test]
async fn the_last_day_of_a_month_counts() {
    let world = world("delivery_last_day").await;
    world.run("2026-12-01T07:00:00Z".parse().expect("a time"), &json!({})).await.expect("all are told");
    let messages = world.receiver.received();
    assert_eq!(told(&messages, "sales"), ["team-sales 50", "team-sales 80", "team-sales 100"]);
    assert!(messages.iter().all(|it| it.json()["data"]["crossed"][0]["budget"]["month"] == "2026-11"));
}

#[tokio::test]
async fn one_that_is_not_told_is_told_by_the_next_run() {
    let world = world("delivery_budget_faults").await;
    let evening = "2026-11-06T18:00:00Z".parse().expect("a time");
    world.receiver.is_in((0..8).map(|_| Mood::Status(503)));
    let said = world.run(evening, &json!({})).await.expect_err("it is away").to_string();
    assert!(said.contains("budget_alert to all (is answered with 503)"), "{said}");
    // By name it gets the day's report, too.
    world.run(evening, &json!({"targets": ["sales"]})).await.expect("it is back");
    assert_eq!(
        (told(&world.receiver.received(), "sales"), world.receiver.received().len()),
        (vec!["team-sales 50".into()], 2)
    );
    world.run(evening, &json!({})).await.expect("all are told");
    assert_eq!(world.receiver.received().len(), 3);
    // A week's report is no daily run.
    let later = "2026-11-30T18:00:00Z".parse().expect("a time");
    world.run(later, &json!({"period": "week"})).await.expect("nothing to tell");
    assert_eq!(world.receiver.received().len(), 3);
}
