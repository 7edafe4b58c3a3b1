//! The SDK against moto's server, which stands in for S3, SNS and SES.

use serde_json::{Value, json};
use tests::moto::Moto;
use tests::reporting::{TIME, World};
use tests::reporting::{database, now};

#[tokio::test]
#[ignore = "needs moto's server: make e2e"]
async fn aws_gets_files_a_notice_and_a_mail_once() {
    let moto = Moto::start().await;
    moto.create_bucket("reports").await;
    moto.create_bucket("copies").await;
    let (topic, queue) = moto.create_topic("costs").await;
    moto.verify_address("reports@example.com").await;
    let targets = json!([
        {"kind": "s3"},
        {"name": "copy", "kind": "s3", "bucket": "copies"},
        {"kind": "sns", "topic_arn": topic},
        {"kind": "email", "from": "reports@example.com", "to": ["finance@example.com", "lead@example.com"]},
    ]);
    let settings = [("REPORT_TARGETS", &*targets.to_string()), ("REPORT_BUCKET", "reports")];
    let world = World::new(database("delivery_aws").await, &settings).await;
    for _ in 0..2 {
        let reporter = world.reporter_in(now(), moto.aws()).await;
        let run = Box::pin(reporter.run(&json!({}), TIME)).await;
        reporter.close().await;
        run.expect("all have theirs");
    }
    let folder = "reports/day/2026-11-23_2026-11-24/UTC";
    for bucket in ["reports", "copies"] {
        let page = moto.object(bucket, &format!("{folder}/shared/report.html")).await;
        assert!(page.is_some_and(|page| page.contains("2026-11-23")), "{bucket}");
    }
    let ledger = moto.object("reports", &format!("{folder}/email/delivery.json")).await.expect("a ledger");
    let ledger: Value = serde_json::from_str(&ledger).expect("JSON");
    assert!(ledger["sent"]["report"].is_string() && ledger["claim"].is_null(), "{ledger}");
    assert!(moto.object("copies", &format!("{folder}/copy/delivery.json")).await.is_none());

    let notices = moto.receive(&queue).await;
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(notice["Subject"].as_str().is_some_and(|subject| subject.contains("$4.50")), "{notice}");
    let text = notice["Message"].as_str().expect("a text");
    assert!(text.contains("/s3/object/reports?") && text.len() < 2_000, "{text}");
    assert_eq!(notice["MessageAttributes"]["type"]["Value"], "cost_report");

    let mails = moto.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    let mail = mail.to_string();
    for part in ["finance@example.com", "lead@example.com", "2026-11-23", "<html"] {
        assert!(mail.to_lowercase().contains(part), "{part}: {mail}");
    }
}

/// What AWS refuses is told in its words, and keeps no other from theirs.
#[tokio::test]
#[ignore = "needs moto's server: make e2e"]
async fn what_aws_refuses_is_told() {
    let moto = Moto::start().await;
    moto.create_bucket("reports").await;
    let targets = json!([
        {"kind": "s3"},
        {"name": "gone", "kind": "s3", "bucket": "no-such-bucket"},
        {"kind": "sns", "topic_arn": "arn:aws:sns:eu-central-1:123456789012:no-such-topic"},
        {"kind": "email", "from": "stranger@example.com", "to": ["finance@example.com"]},
    ]);
    let settings = [("REPORT_TARGETS", &*targets.to_string()), ("REPORT_BUCKET", "reports")];
    let world = World::new(database("delivery_aws_refuses").await, &settings).await;
    let reporter = world.reporter_in(now(), moto.aws()).await;
    let said = Box::pin(reporter.run(&json!({}), TIME)).await.expect_err("three are not there").to_string();
    for part in
        ["gone (the bucket no-such-bucket cannot be written: NoSuchBucket", "sns (NotFound", "email (MessageRejected"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains(" to s3 "), "{said}");
    reporter.close().await;

    let world = World::new(database("delivery_no_bucket").await, &[("REPORT_BUCKET", "no-such-bucket")]).await;
    let reporter = world.reporter_in(now(), moto.aws()).await;
    let said = Box::pin(reporter.run(&json!({}), TIME)).await.expect_err("there is no bucket").to_string();
    assert!(said.contains("the bucket no-such-bucket cannot be read: NoSuchBucket"), "{said}");
    assert_eq!(world.receiver.asked(), 0, "what cannot be recorded is not sent");
    reporter.close().await;
}
