//! Every target gets a report once, however often a run is repeated, wherever it dies, and whoever else runs meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::reporting::{TIME, World, database, now};

const FOLDER: &str = "reports/day/2026-11-23_2026-11-24/UTC";

fn ids(world: &World, path: &str) -> Vec<String> {
    let received = world.receiver.received_at(path);
    received.iter().map(|it| it.json()["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The files, by their names; the ledgers and the edition are not for readers.
fn files(world: &World) -> BTreeMap<String, String> {
    let keys = world.bucket.keys().into_iter().filter(|key| key.contains("/report."));
    keys.map(|key| (key.clone(), world.bucket.object(&key).expect("it is there"))).collect()
}

#[tokio::test]
async fn a_schedule_that_fires_again_sends_nothing_again() {
    let world = World::new(database("delivery_again").await, &[]).await;
    for event in [json!({}), json!({"period": "day"}), json!(null), json!({"targets": ["webhook"]})] {
        world.run(now(), &event).await.expect("all have theirs");
    }
    assert_eq!(world.receiver.received().len(), 2);
    let names: Vec<_> = files(&world).into_keys().collect();
    let expected = ["csv", "focus.csv", "html", "json", "md"].map(|form| format!("{FOLDER}/shared/report.{form}"));
    assert_eq!(names, expected);
    // The week is another report.
    world.run(now(), &json!({"period": "week"})).await.expect("all have theirs");
    assert_eq!(world.receiver.received().len(), 4);
    assert_eq!(ids(&world, "/hook/hunter2").iter().collect::<BTreeSet<_>>().len(), 2);
}

/// Wherever a run dies, the next one finishes its work: files are there and the same, a webhook has its message by one id,
/// and a message came twice only where the run died between sending it and recording that.
#[tokio::test]
async fn a_run_may_die_at_any_moment() {
    let database = database("delivery_death").await;
    let (mut deaths, mut repeated) = (0_usize, 0);
    for moment in 1.. {
        let world = World::new(Arc::clone(&database), &[]).await;
        world.fate.strike_at(Some(moment));
        let Some(outcome) = world.run_until_struck(now(), &json!({})).await else {
            deaths += 1;
            let before = files(&world);
            world.fate.strike_at(None);
            // Too early: the claim of the dead run, if it had one, is not over. The report does not go out twice for that.
            let early = world.run(now() + TimeDelta::minutes(1), &json!({})).await;
            let sent = world.receiver.received().len();
            world.run(now() + TimeDelta::minutes(3), &json!({})).await.expect("the claim is over");
            assert!(early.is_err() || world.receiver.received().len() == sent, "moment {moment}");
            let (slack, hook) = (world.receiver.received_at("/services/hunter2"), ids(&world, "/hook/hunter2"));
            assert!((1..=2).contains(&slack.len()) && (1..=2).contains(&hook.len()), "moment {moment}");
            assert!(slack.iter().all(|it| it.body == slack[0].body), "moment {moment}: it is another report");
            assert!(
                hook.iter().all(|id| *id == hook[0]),
                "moment {moment}: the receiver cannot tell that it has had it"
            );
            repeated += slack.len() + hook.len() - 2;
            let after = files(&world);
            assert_eq!(after.len(), 5, "moment {moment}");
            assert!(before.iter().all(|(key, text)| after[key] == *text), "moment {moment}: a file became another");
            continue;
        };
        outcome.expect("nothing is in its way");
        break;
    }
    assert!(deaths > 30, "a run has more moments than {deaths}");
    // Each of both: when it has taken the message, and when the record of that arrives; and what the other one's moments
    // are meanwhile.
    assert!((2..=deaths / 2).contains(&repeated), "{repeated} messages came twice in {deaths} deaths");
}

/// A target may want it the other way: then nothing comes twice, and what a death left open is told in the log.
#[tokio::test]
async fn a_message_comes_at_most_once_where_that_is_wanted() {
    let database = database("delivery_at_most").await;
    let targets = r#"[{"kind": "slack", "url": {"env": "SLACK_URL"}, "when_unsure": "leave"}]"#;
    let mut missing = 0;
    for moment in 1.. {
        let world = World::new(Arc::clone(&database), &[("REPORT_TARGETS", targets)]).await;
        world.fate.strike_at(Some(moment));
        let outcome = world.run_until_struck(now(), &json!({})).await;
        world.fate.strike_at(None);
        let is_unharmed = outcome.is_some();
        for minutes in [1, 3, 5] {
            let run = world.run(now() + TimeDelta::minutes(minutes), &json!({})).await;
            assert!(minutes == 1 || run.is_ok(), "moment {moment}: {run:?}");
        }
        let came = world.receiver.received().len();
        assert!(came <= 1, "moment {moment}: it came {came} times");
        missing += 1 - came;
        if is_unharmed {
            assert_eq!(came, 1);
            break;
        }
    }
    // From when the claim is there until the message is.
    assert!((1..=3).contains(&missing), "{missing} deaths lost the message");
}

#[tokio::test]
async fn of_runs_at_the_same_time_one_sends() {
    let world = World::new(database("delivery_at_once").await, &[]).await;
    let event: Value = json!({});
    let mut reporters = Vec::new();
    // On an embedded database they take turns at it, which has one connection.
    for _ in 0..if tests::database::is_native() { 4 } else { 1 } {
        reporters.push(world.reporter(now()).await);
    }
    let runs = reporters.iter().map(|reporter| Box::pin(reporter.run(&event, TIME)));
    let outcomes = futures::future::join_all(runs).await;
    assert!(outcomes.iter().any(Result::is_ok) || outcomes.len() > 1, "{outcomes:?}");
    for reporter in &reporters {
        reporter.close().await;
    }
    world.run(now(), &event).await.expect("all have theirs");
    assert_eq!(world.receiver.received().len(), 2);
    assert_eq!(files(&world).len(), 5);
}
