//! What is asked for wrongly sends nothing.

use serde_json::json;
use tests::reporting::World;
use tests::reporting::{database, now};

#[tokio::test]
async fn an_event_that_is_not_understood_sends_nothing_and_says_what_is_allowed() {
    let world = World::new(database("delivery_events").await, &[]).await;
    for (event, allowed) in [
        (json!({"period": "year"}), "day, week, month"),
        (json!({"period": "Week"}), "day, week, month"),
        (json!({"timezone": "Mars/Olympus"}), "an IANA time zone such as Europe/Berlin"),
        (json!({"targets": ["slack", "fax"]}), "there is no target fax; there are: s3, slack, webhook"),
        (json!({"target": "slack"}), "did you mean targets?); there are: period, from, to, timezone, targets"),
        (json!({"from": "2026-11-23"}), "from and to go together"),
        (json!({"from": "2026-11-23", "to": "2026-11-23"}), "to must be after from"),
        (json!({"from": "2026-11-23", "to": "2026-11-25"}), "to is in the future"),
        (json!({"from": "2024-11-23", "to": "2026-11-23"}), "within 366 days"),
        (json!({"period": "day", "from": "2026-11-22", "to": "2026-11-23"}), "not together with from and to"),
        (json!([{"period": "day"}]), "must be a JSON object"),
        (json!("day"), "must be a JSON object"),
    ] {
        let said = world.run(now(), &event).await.expect_err(&event.to_string()).to_string();
        assert!(said.starts_with("event: ") && said.contains(allowed), "{event}: {said}");
    }
    assert_eq!((world.receiver.asked(), world.bucket.keys()), (0, vec![]));
}

/// The day of a zone is another day, and so is its report; a window that is a day is that day.
#[tokio::test]
async fn the_same_time_is_the_same_report() {
    let world = World::new(database("delivery_zones").await, &[("REPORT_TIMEZONE", "Europe/Berlin")]).await;
    let hook = |fields: serde_json::Value| {
        let mut event = json!({"targets": ["webhook"]});
        event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        event
    };
    for (event, sent) in [
        (hook(json!({})), 1),
        (hook(json!({"timezone": "Europe/Berlin"})), 1),
        (hook(json!({"from": "2026-11-23", "to": "2026-11-24"})), 1),
        (hook(json!({"from": "2026-11-22T23:00:00Z", "to": "2026-11-23T23:00:00Z"})), 1),
        (hook(json!({"timezone": "UTC"})), 2),
        (hook(json!({"timezone": "Asia/Kathmandu"})), 3),
        (hook(json!({"from": "2026-11-22", "to": "2026-11-24"})), 4),
    ] {
        world.run(now(), &event).await.expect("it is taken");
        assert_eq!(world.receiver.received().len(), sent, "{event}");
    }
    let keys = world.bucket.keys();
    let folder = |start: &str| keys.iter().any(|key| key.starts_with(start));
    assert!(folder("reports/day/2026-11-23_2026-11-24/Europe-Berlin/shared/report.html"), "{keys:?}");
    assert!(folder("reports/window/2026-11-22_2026-11-24/Europe-Berlin/shared/report.html"), "{keys:?}");
}
