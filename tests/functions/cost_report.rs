//! The scheduled function as Lambda starts it.

use std::process::Command;

use local::fixtures::Release;
use serde_json::{Value, json};
use tests::bucket::Fate;
use tests::emulator::Emulator;
use tests::made;
use tests::moto::Moto;
use tests::receiver::{Mood, Receiver};
use tests::reporting::KEY;
use tests::{Function, Outcome, Program};

/// The log of yesterday, by this machine's clock: the function has no other.
async fn url(name: &str) -> String {
    let start = chrono::Utc::now() - chrono::TimeDelta::days(1);
    let row = |id: &str| made::row(id, start, json!({"spend": 2.0}));
    made::database(name, &[row("one"), row("two")]).await.url().to_owned()
}

fn expect_discretion(function: &Function) {
    for line in function.log() {
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line} is no JSON");
        for secret in ["hunter2", KEY, "wJalrXUtnFEMI", "EXAMPLETOKEN"] {
            assert!(!line.contains(secret), "{line} tells {secret}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn the_function_sends_what_a_schedule_asks_for_once() {
    let program = Program::built("cost-report");
    let moto = Moto::start().await;
    let inbox = Receiver::start(Fate::default()).await;
    moto.create_bucket("reports").await;
    let fields = json!({"slack": inbox.url("/services/hunter2"), "hook": inbox.url("/hook/hunter2"), "key": KEY});
    let arn = moto.create_secret("reports", &fields.to_string()).await;
    let targets = r#"[{"kind": "s3"}, {"kind": "slack", "url": {"secret": "slack"}},
        {"kind": "webhook", "url": {"secret": "hook"}, "key": {"secret": "key"}}]"#;
    let function = moto
        .for_aws(program)
        .env("DATABASE_URL", url("function_cost_report").await)
        .env("REPORT_BUCKET", "reports")
        .env("REPORT_TARGETS", targets)
        .env("REPORT_SECRET_ARN", &arn)
        .start()
        .await;
    // The first attempts fail: so does the invocation, and the next one sends what is missing.
    inbox.is_in((0..5).map(|_| Mood::Status(404)));
    let Outcome::Error { error, .. } = function.invoke(&json!({})).await else { panic!("the targets refuse") };
    let said = error.to_string();
    assert!(said.contains("not delivered: report to slack (is answered with 404)"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    inbox.is_in([]);
    let scheduler: Value = serde_json::from_str(include_str!("../fixtures/events/scheduler.json")).expect("an event");
    for event in [json!({}), scheduler, json!(null), json!({"period": "day", "timezone": "UTC"})] {
        assert_eq!(function.invoke(&event).await, Outcome::Response(Value::Null), "{event}");
    }
    assert_eq!(inbox.received().len(), 2);
    let received = inbox.received_at("/hook/hunter2");
    assert_eq!(received[0].json()["data"]["totals"]["spend"], "4");
    let day = (chrono::Utc::now() - chrono::TimeDelta::days(1)).date_naive();
    let key = format!("reports/day/{day}_{}/UTC/shared/report.json", day + chrono::Days::new(1));
    assert!(moto.object("reports", &key).await.is_some(), "there is no {key}");

    let Outcome::Error { error, .. } = function.invoke(&json!({"period": "year"})).await else { panic!("a year") };
    assert!(error.to_string().contains("must be one of: day, week, month"), "{error}");
    let errors = function.log().iter().filter(|line| line.contains("\"ERROR\"")).count();
    assert!(errors >= 2, "failures are in the log");
    expect_discretion(&function);
}

/// As the README says to try it: by cargo-lambda, with an event in a file.
#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn cargo_lambda_invokes_it_and_the_report_is_in_the_bucket() {
    let url = Emulator::url(Release::V1_109_1).expect("`make e2e` runs `cargo lambda watch`");
    let moto = Moto::of_gateways().expect("`make e2e` runs moto's server");
    let _ = tests::Database::of_release(Release::V1_109_1).await;
    moto.create_bucket("reports-1-109-1").await;
    let port = url.rsplit(':').next().expect("a port");
    let invoke = |data: [&str; 2]| {
        let mut command = Command::new("cargo");
        command
            .args(["lambda", "invoke", "cost-report", "--invoke-address", "127.0.0.1", "--invoke-port", port])
            .args(data);
        let output =
            command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().expect("cargo-lambda runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    for _ in 0..2 {
        let (done, said) = invoke(["--data-file", "tests/fixtures/events/cost-report-week.json"]);
        assert!(done, "{said}");
    }
    let folder = "reports/week/2026-11-16_2026-11-23/Europe-Berlin";
    let page = moto.object("reports-1-109-1", &format!("{folder}/shared/report.html")).await.expect("a page");
    assert!(page.contains("2026-W47"), "{page}");
    let report = moto.object("reports-1-109-1", &format!("{folder}/shared/report.json")).await.expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    // The API's own, for the same week.
    let app = tests::App::of_release(Release::V1_109_1).await;
    let asked = "/api/v1/reports/cost?period=week&start_date=2026-11-16&timezone=Europe/Berlin";
    assert_eq!(report["totals"], app.get(asked).await.ok()["totals"]);
    let ledger = moto.object("reports-1-109-1", &format!("{folder}/s3/delivery.json")).await.expect("a ledger");
    assert_eq!(serde_json::from_str::<Value>(&ledger).expect("JSON")["attempts"], 1);
    let (done, said) = invoke(["--data-ascii", r#"{"period": "year"}"#]);
    assert!(!done && said.contains("must be one of: day, week, month"), "{said}");
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_function_without_a_place_for_reports_does_not_start() {
    let program = Program::built("cost-report");
    let url = "postgres://reader:hunter2@localhost/litellm";
    for (setting, environment) in [
        ("REPORT_BUCKET", vec![]),
        ("REPORT_TARGETS", vec![("REPORT_BUCKET", "b"), ("REPORT_TARGETS", "hunter2")]),
        ("REPORT_TIMEZONE", vec![("REPORT_BUCKET", "b"), ("REPORT_TIMEZONE", "hunter2")]),
        ("BUDGETS", vec![("REPORT_BUCKET", "b"), ("BUDGETS", "hunter2")]),
    ] {
        let program = program.clone().env("DATABASE_URL", url);
        let program = environment.iter().fold(program, |program, (name, value)| program.env(name, *value));
        let ended = program.start().await.ended().await;
        assert!(!ended.status.success(), "{setting}");
        let [line] = ended.log.as_slice() else { panic!("{setting}: {:#?}", ended.log) };
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["setting"], setting, "{line}");
        assert!(!line.to_string().contains("hunter2"), "{line}");
    }
}
