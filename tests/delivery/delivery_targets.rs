//! Targets that fail, hang and recover, and what they get.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use cost_report::{RetryPolicy, RunError};
use http::HeaderMap;
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::receiver::{Mood, Received, Receiver};
use tests::reporting::{KEY, PATIENCE, World};
use tests::reporting::{database, now};

const HOOK: &str = "/hook/hunter2";
const SLACK: &str = "/services/hunter2";

/// HMAC-SHA256 by its definition.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut padded = [0_u8; 64];
    padded[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(padded.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

/// As a receiver of Standard Webhooks verifies a message.
fn verify(received: &Received) {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let key = STANDARD.decode(KEY.trim_start_matches("whsec_")).expect("base64");
    let (id, timestamp) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let expected = hmac(&key, format!("{id}.{timestamp}.{}", received.body).as_bytes());
    assert_eq!(received.header("webhook-signature"), format!("v1,{}", STANDARD.encode(expected)));
    let sent = DateTime::from_timestamp(timestamp.parse().expect("seconds"), 0).expect("a time");
    assert!((chrono::Utc::now() - sent).abs() < TimeDelta::minutes(5), "signed long ago");
    assert_eq!(received.json()["id"], id);
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get("content-type").and_then(|value| value.to_str().ok())
}

#[tokio::test]
async fn a_webhook_gets_the_report_signed() {
    let world = World::new(database("delivery_signed").await, &[]).await;
    world.run(now(), &json!({"targets": ["webhook"]})).await.expect("it is taken");
    let [received] = world.receiver.received_at(HOOK).try_into().expect("one message");
    verify(&received);
    assert_eq!(content_type(&received.headers), Some("application/json"));
    let message = received.json();
    assert_eq!((message["type"].as_str(), message["target"].as_str()), (Some("cost_report"), Some("webhook")));
    assert_eq!(message["data"]["totals"]["requests"], 3);
    assert_eq!(message["data"]["totals"]["spend"], "4.5");
    assert!(message["title"].as_str().is_some_and(|title| title.contains("2026-11-23: $4.50")), "{message}");
    let link = message["link"].as_str().expect("a link");
    assert!(link.contains("/s3/object/reports-of-tests?") && link.ends_with("report.html"), "{link}");
}

#[tokio::test]
async fn slack_gets_what_matters() {
    let world = World::new(database("delivery_slack").await, &[]).await;
    world.run(now(), &json!({"targets": ["slack"]})).await.expect("it is taken");
    let [received] = world.receiver.received_at(SLACK).try_into().expect("one message");
    let message = received.json();
    assert!(message["text"].as_str().is_some_and(|text| text.contains("$4.50")), "{message}");
    let section = message["blocks"][1]["text"]["text"].as_str().expect("a section");
    assert!(section.contains("team-support $3.00, team-sales $1.50"), "{section}");
}

#[tokio::test]
async fn a_receiver_that_recovers_gets_it_in_the_same_run() {
    let world = World::new(database("delivery_recovers").await, &[]).await;
    let event = json!({"targets": ["webhook"]});
    world.receiver.is_in([Mood::Status(500), Mood::Later(429, 1), Mood::Status(503)]);
    let began = std::time::Instant::now();
    world.run(now(), &event).await.expect("the fourth attempt is taken");
    assert_eq!((world.receiver.asked(), world.receiver.received().len()), (4, 1));
    assert!(began.elapsed() > Duration::from_secs(1), "it was not waited for as asked");
    verify(&world.receiver.received()[0]);
}

/// Each attempt is the same message, by its id, with a signature of its own.
#[tokio::test]
async fn a_receiver_that_hangs_gets_the_same_message_again() {
    let world = World::new(database("delivery_hangs").await, &[]).await;
    let event = json!({"targets": ["webhook"]});
    world.receiver.is_in([Mood::Hang, Mood::TakeAndFail(502)]);
    world.run(now(), &event).await.expect("the third attempt is answered");
    let received = world.receiver.received();
    assert_eq!(received.len(), 3);
    received.iter().for_each(verify);
    assert!(received.iter().all(|it| it.header("webhook-id") == received[0].header("webhook-id")));

    // One that wants it at most once is not asked again.
    let targets = r#"[{"kind": "slack", "url": {"env": "SLACK_URL"}, "when_unsure": "leave"}]"#;
    let world = World::new(database("delivery_hangs_once").await, &[("REPORT_TARGETS", targets)]).await;
    world.receiver.is_in([Mood::Status(500), Mood::Hang]);
    for _ in 0..2 {
        world.run(now(), &json!({})).await.expect("it is left");
    }
    assert_eq!((world.receiver.asked(), world.receiver.received().len()), (2, 1));
}

/// The others have theirs, the run fails, and the next one sends only what is missing.
#[tokio::test]
async fn one_that_is_away_keeps_no_other_from_theirs() {
    let closed = format!("http://{}/services/hunter2", tests::moto::free_address());
    let database = database("delivery_away").await;
    let world = World::new(database, &[("SLACK_URL", &closed)]).await;
    let error = world.run(now(), &json!({})).await.expect_err("Slack is away");
    let RunError::Undelivered(lacking) = &error else { panic!("{error}") };
    let names: Vec<_> = lacking.iter().map(|outcome| outcome.target.as_str()).collect();
    assert_eq!(names, ["slack"]);
    let said = error.to_string();
    assert_eq!(said, "not delivered: report to slack (cannot be reached)");
    assert_eq!(world.receiver.received_at(HOOK).len(), 1);
    assert!(world.bucket.keys().iter().any(|key| key.ends_with("report.html")));

    // It gives the reason of each, and never an address.
    let database = tests::reporting::database("delivery_reasons").await;
    for (mood, reason) in [
        (Mood::Status(404), "is answered with 404"),
        (Mood::Status(403), "is answered with 403"),
        (Mood::Redirect(302, "/elsewhere".into()), "redirects with 302"),
    ] {
        let world = World::new(std::sync::Arc::clone(&database), &[]).await;
        world.receiver.is_in([mood]);
        let said = world.run(now(), &json!({"targets": ["slack"]})).await.expect_err("refused").to_string();
        assert!(said.contains(reason) && !said.contains("hunter2"), "{said}");
        assert_eq!(world.receiver.asked(), 1, "{reason}: what is refused is not tried again");
        world.run(now(), &json!({"targets": ["slack"]})).await.expect("the next run sends it");
        assert_eq!(world.receiver.received().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_to_the_same_server_only() {
    let world = World::new(database("delivery_redirect").await, &[]).await;
    let elsewhere = Receiver::start(tests::bucket::Fate::default()).await;
    let event = json!({"targets": ["webhook"]});
    world.receiver.is_in([Mood::Redirect(307, elsewhere.url("/stolen"))]);
    let said = world.run(now(), &event).await.expect_err("another server").to_string();
    assert!(said.contains("redirects to another server"), "{said}");
    assert_eq!((elsewhere.asked(), world.receiver.asked()), (0, 1));
    world.receiver.is_in([Mood::Redirect(308, "/moved".into())]);
    world.run(now(), &event).await.expect("the same server");
    verify(&world.receiver.received_at("/moved")[0]);
    world.receiver.is_in((0..9).map(|_| Mood::Redirect(307, "/circle".into())));
    let said = world.run(now(), &json!({"period": "week", "targets": ["webhook"]})).await.expect_err("a circle");
    assert!(said.to_string().contains("in a circle"), "{said}");
}

/// A team gets its own numbers, and nothing of the others'.
#[tokio::test]
async fn a_target_with_a_filter_gets_its_own_numbers() {
    let targets = r#"[
        {"name": "all", "kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"}},
        {"name": "sales", "kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"},
         "filter": {"team_id": "team-sales"}}
    ]"#;
    let world = World::new(database("delivery_filter").await, &[("REPORT_TARGETS", targets)]).await;
    world.run(now(), &json!({})).await.expect("both have theirs");
    let of = |name: &str| {
        let all = world.receiver.received();
        let found = all.iter().find(|it| it.json()["target"] == name);
        found.unwrap_or_else(|| panic!("nothing for {name}")).clone()
    };
    assert_eq!(of("all").json()["data"]["totals"]["spend"], "4.5");
    let sales = of("sales");
    assert_eq!(sales.json()["data"]["totals"]["spend"], "1.5");
    assert!(!sales.body.contains("team-support"), "{}", sales.body);
    let link = sales.json()["link"].as_str().map(str::to_owned).expect("a link");
    assert!(link.contains("sales%2Freport.html"), "{link}");
}

/// What was made before a filter was changed is somebody else's.
#[tokio::test]
async fn a_report_with_another_filter_is_not_sent() {
    let target = |team: &str| {
        format!(
            r#"[{{"name": "team", "kind": "slack", "url": {{"env": "SLACK_URL"}}, "filter": {{"team_id": "{team}"}}}}]"#
        )
    };
    let database = database("delivery_other_filter").await;
    let world = World::new(database, &[("REPORT_TARGETS", &target("team-support"))]).await;
    world.receiver.is_in([Mood::Status(404)]);
    world.run(now(), &json!({})).await.expect_err("it is refused");
    let world = world.with(&[("REPORT_TARGETS", &target("team-sales"))]);
    let said = world.run(now(), &json!({})).await.expect_err("the edition is the other team's").to_string();
    assert!(said.contains("was made with another filter: give the target another name"), "{said}");
    assert_eq!((world.receiver.asked(), world.receiver.received().len()), (1, 0));
}

/// A period that is set on a target is what it gets where nobody asks for it by name.
#[tokio::test]
async fn a_target_gets_the_periods_it_wants() {
    let targets = r#"[{"kind": "slack", "url": {"env": "SLACK_URL"}, "periods": ["week"]}]"#;
    let world = World::new(database("delivery_periods").await, &[("REPORT_TARGETS", targets)]).await;
    world.run(now(), &json!({})).await.expect("nothing to do");
    assert_eq!(world.receiver.asked(), 0);
    world.run(now(), &json!({"period": "week"})).await.expect("it is taken");
    world.run(now(), &json!({"targets": ["slack"]})).await.expect("it is taken");
    assert_eq!(world.receiver.received().len(), 2);
}

/// Whatever the first ones do, and whatever each of them gets.
#[tokio::test]
async fn targets_that_hang_keep_no_other_from_theirs() {
    let target = |name: &str, more: &str| {
        format!(r#"{{"name": "{name}", "kind": "slack", "url": {{"env": "URL_{name}"}}{more}}}"#)
    };
    let sales = r#", "filter": {"team_id": "team-sales"}"#;
    let targets = [
        target("first", ""),
        target("second", r#", "filter": {"team_id": "team-support"}"#),
        target("third", sales),
        target("once", r#", "filter": {"team_id": "team-sales"}, "when_unsure": "leave""#),
        target("fourth", sales),
        target("fifth", ""),
    ];
    let world =
        World::new(database("delivery_hanging").await, &[("REPORT_TARGETS", &format!("[{}]", targets.join(", ")))])
            .await;
    let names = ["first", "second", "third", "once", "fourth", "fifth"];
    let urls: Vec<_> = names.map(|name| (format!("URL_{name}"), world.receiver.url(&format!("/{name}")))).into();
    let urls: Vec<_> = urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    let world = world.with(&urls);
    let received = |name: &str| world.receiver.received_at(&format!("/{name}")).len();

    // They answer, but only after the last ones have theirs. Nobody waits so long who sends one after the other.
    world.receiver.answers_after(&["/first", "/second", "/third"], &["/fourth", "/fifth"]);
    let patience = RetryPolicy { attempt: Duration::from_secs(8), ..PATIENCE };
    Box::pin(world.run_with(patience, now(), &json!({"period": "week"}))).await.expect("all have theirs");
    assert_eq!(names.map(received), [1; 6]);

    world.receiver.hangs_at(&["/first", "/second", "/third", "/once"]);
    let RunError::Undelivered(lacking) = world.run(now(), &json!({})).await.expect_err("three hang") else {
        panic!("the event is understood")
    };
    let lacking: Vec<_> = lacking.iter().map(|outcome| outcome.target.as_str()).collect();
    assert_eq!(lacking, ["first", "second", "third"], "what \"once\" may have had, it wants no second time");
    assert_eq!(names.map(received), [5, 5, 5, 2, 2, 2]);

    // The next run sends what is missing, and that alone.
    world.receiver.hangs_at(&[]);
    world.run(now(), &json!({})).await.expect("all have theirs");
    assert_eq!(names.map(received), [6, 6, 6, 2, 2, 2]);
}
