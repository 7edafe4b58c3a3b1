//! The index is in another database, and that one cannot be read.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::clock::HandClock;
use tests::database::run;
use tests::faults::api_at;
use tests::index::{self, Task};
use tests::made;
use tests::wire::Wire;
use tests::{App, Database, Logs};

const ROW: &str = "one";
const OF_INDEX: &str = "The database of the index cannot be read";

/// A log with one request, and another database with an index of it.
async fn apart(name: &str) -> (Arc<Database>, Database) {
    let start = Utc::now() - TimeDelta::hours(2);
    let response = json!({"choices": [{"message": {"role": "assistant", "content": "hello"}}]});
    let database = made::database(name, &[made::row(ROW, start, json!({"response": response}))]).await;
    let apart = Database::empty(&format!("{name}_apart")).await;
    index::migrate(&apart).await;
    let settings = [("INDEX_SETTLE_MINUTES", "1"), ("INDEX_DATABASE_URL", apart.url())];
    assert!(index::perform(database.url(), &settings, Task::Run).await.expect("it is filled").complete);
    (database, apart)
}

fn look_ups(id: &str) -> [String; 4] {
    ["requests/{}", "requests/{}/messages", "sessions/{}/summary", "sessions/{}/messages"]
        .map(|path| format!("/api/v1/{}", path.replace("{}", id)))
}

const OTHERS: [&str; 5] = [
    "/api/v1/requests",
    "/api/v1/sessions",
    "/api/v1/analytics/overview",
    "/api/v1/analytics/tools?details=true",
    "/api/v1/reports/cost?period=day",
];

/// What is answered while the index cannot be read, whatever keeps it away.
async fn expect_away(app: &App) {
    let logs = Logs::collect();
    for path in OTHERS {
        let answer = app.get(path).await;
        let problem = answer.problem(503);
        assert_eq!(problem["type"], "urn:llm-traceability:problem:database-unavailable", "{path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with(OF_INDEX)), "{path}: {problem}");
        assert_eq!(answer.headers["retry-after"], "5", "{path}");
    }
    let lines = logs.take().join("\n");
    assert!(lines.contains("INDEX_DATABASE_URL") && lines.contains("database=index"), "{lines}");
    drop(logs);
    for path in look_ups(ROW) {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.text.contains(ROW), "{path}: {}", answer.text);
    }
    // It may be in the index: nobody can say that it is not.
    for path in look_ups("gone") {
        let problem = app.get(&path).await.problem(503);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with(OF_INDEX)), "{path}: {problem}");
    }
    let health = app.get("/health").await;
    let body: Value = serde_json::from_str(&health.text).expect("JSON");
    assert_eq!(health.status, 503, "{body}");
    assert_eq!((&body["status"], &body["database"]), (&json!("unhealthy"), &json!("connected")), "{body}");
    assert_eq!(body["index"]["state"], "unavailable", "{body}");
    assert!(body["error"].as_str().is_some_and(|error| error.starts_with("the database of the index")), "{body}");
}

async fn expect_there(app: &App) {
    for path in OTHERS.into_iter().map(str::to_owned).chain(look_ups(ROW)) {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    for path in look_ups("gone") {
        let _ = app.get(&path).await.problem(404);
    }
    let health = app.get("/health").await.ok();
    assert_eq!((&health["status"], &health["index"]["state"]), (&json!("healthy"), &json!("ready")), "{health}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn while_the_index_is_stopped_look_ups_are_answered_from_the_log() {
    let (database, apart) = apart("index_stopped").await;
    let hand = HandClock::at(Utc::now());
    let settings = [("INDEX_DATABASE_URL", apart.url())];
    let app = hand.of(&api_at(database.url(), &settings));
    expect_there(&app).await;
    stop(&database, "traceability_test_index_stopped_apart").await;
    // One that was used a moment ago is not asked whether it lives.
    let _ = app.get(OTHERS[0]).await.problem(503);
    expect_away(&app).await;
    // So it is where the service starts meanwhile.
    expect_away(&api_at(database.url(), &settings)).await;

    run(&database, "ALTER DATABASE traceability_test_index_stopped_apart ALLOW_CONNECTIONS true").await;
    hand.moves_by(6);
    expect_there(&app).await;

    // The other way round, the index answers what it has.
    stop(&apart, "traceability_test_index_stopped").await;
    assert_eq!(app.get(OTHERS[2]).await.status, 200);
    let health = app.get("/health").await;
    let body: Value = serde_json::from_str(&health.text).expect("JSON");
    assert_eq!((health.status.as_u16(), &body["database"]), (503, &json!("unavailable")), "{body}");
    assert_eq!(body["error"], "LiteLLM's log cannot be read; the service's log says why");
    assert_eq!(body["index"]["state"], "ready", "{body}");
    run(&apart, "ALTER DATABASE traceability_test_index_stopped ALLOW_CONNECTIONS true").await;
}

/// Ends all connections to a database, by way of another one, and lets it have no more.
async fn stop(other: &Database, name: &str) {
    run(other, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    let sql = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    run(other, &sql).await;
}

/// A host that accepts and never says a word: each request would wait for it as long as it may.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_index_that_hangs_is_waited_for_by_one_request_at_a_time() {
    let (database, apart) = apart("index_hangs").await;
    let wire = Wire::to(apart.url()).await;
    let hand = HandClock::at(Utc::now());
    let app = hand.of(&api_at(database.url(), &[("INDEX_DATABASE_URL", wire.url())]));
    wire.go_dead();
    let [look_up, ..] = look_ups(ROW);
    assert_eq!(app.get(&look_up).await.status, 200);
    let tried = wire.connections();
    assert!(tried > 0);
    expect_away(&app).await;
    assert_eq!(wire.connections(), tried, "it is not tried again at once");
    hand.moves_by(6);
    let (first, second, third) = tokio::join!(app.get(&look_up), app.get(&look_up), app.get(OTHERS[0]));
    assert_eq!((first.status.as_u16(), second.status.as_u16(), third.status.as_u16()), (200, 200, 503));
    assert_eq!(wire.connections(), tried + 1);
}
