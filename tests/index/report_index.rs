//! With an index a report says what it says without one, but for what only LiteLLM's metadata has.

use local::fixtures::Release;
use serde_json::Value;
use tests::{Answer, App, Logs, Pair, index};

use crate::index_equality::{now, service_keys, spread};

const QUESTIONS: [&str; 9] = [
    "period=month&start_date=2026-11-20&top=3",
    "period=month&timezone=America/New_York",
    "period=week&start_date=2026-10-25&timezone=Australia/Lord_Howe",
    "period=day&start_date=2026-11-21&timezone=Asia/Kolkata&top=100",
    "start_date=2026-03-01&end_date=2026-11-15",
    "start_date=2026-10-20T10:07:13.123Z&end_date=2026-11-23T09:41:59.999Z",
    "period=month&start_date=2026-11-20&agent_name=support-bot",
    "period=month&start_date=2026-11-20&team_id=team-data&user_id=bob",
    "period=month&start_date=2026-11-20&model=gpt-4o-mini",
];

/// Without what the index cannot know, and what is not read without one.
fn common(answer: &Answer) -> Value {
    let mut report = answer.ok();
    for name in ["requests_with_lost_cost", "lost_cost"] {
        report["quality"].as_object_mut().expect("an object").remove(name).expect("a field");
    }
    for one in report["comparisons"].as_array_mut().expect("a list") {
        if let Some(totals) = one["totals"].as_object_mut() {
            totals.remove("cached_tokens").expect("a field");
        }
    }
    report
}

async fn check(pair: &Pair, question: &str) {
    let path = format!("/api/v1/reports/cost?{question}");
    let (direct, indexed) = (pair.direct.get(&path).await, pair.indexed.get(&path).await);
    assert_eq!(common(&indexed), common(&direct), "{question}");
    let quality = |answer: &Answer| answer.ok()["quality"].clone();
    assert!(quality(&indexed)["lost_cost"].is_null() && quality(&indexed)["requests_with_lost_cost"].is_null());
    assert!(quality(&direct)["lost_cost"].is_string() && quality(&direct)["requests_with_lost_cost"].is_i64());
    let path = format!("{path}&format=focus");
    assert_eq!(pair.indexed.get(&path).await.text, pair.direct.get(&path).await.text, "{question}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_report_over_an_index_is_the_same() {
    for release in [Release::V1_109_1, Release::V1_80_0] {
        let database = spread(&format!("report_{}", release.version().replace('.', "_")), release).await;
        index::fill(&database).await;
        let pair = Pair::over(&database, now());
        for question in QUESTIONS {
            check(&pair, question).await;
        }
        let (keys, names) = service_keys();
        for name in names {
            check(&pair.for_key(&keys, name), "period=month&start_date=2026-11-20").await;
        }
    }
}

/// A report is put together from few statements, whatever the number of rows.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_report_takes_few_statements() {
    let app = App::in_process(Release::V1_109_1).await;
    let path = "/api/v1/reports/cost?period=month&start_date=2026-11-20&format=focus";
    let _ = app.get(path).await;
    let logs = Logs::collect();
    assert_eq!(app.get(path).await.status, 200);
    let statements = logs.take_statements();
    assert!(statements.len() <= 50, "{} statements", statements.len());
}
