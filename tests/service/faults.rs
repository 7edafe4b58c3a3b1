//! Whatever the database does, there is an answer in time that says so, and it is the right one again afterwards.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use local::fixtures::{self, Release};
use sqlx::{Connection, PgConnection};
use tests::database::execute;
use tests::faults::{api_at, ask_everything, expect_outage};
use tests::wire::Wire;
use tests::{App, Database};

const OVERVIEW: &str = "/api/v1/analytics/overview";

/// A database with the tables of the newest release, and no rows.
async fn without_rows(name: &str) -> (Arc<Database>, PgConnection) {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    (Arc::new(database), conn)
}

#[tokio::test]
async fn a_database_that_is_down_is_an_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    expect_outage(&api_at(&format!("postgres://reader:hunter2@127.0.0.1:{port}/litellm_inside"), &[]), 503).await;
}

#[tokio::test]
async fn a_database_whose_name_does_not_resolve_is_an_outage() {
    expect_outage(&api_at("postgres://reader:hunter2@database.invalid:5432/litellm_inside", &[]), 503).await;
}

#[tokio::test]
async fn a_database_that_accepts_and_never_answers_is_an_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    // The kernel accepts for the listener, which never says a word.
    expect_outage(&api_at(&format!("postgres://reader:hunter2@127.0.0.1:{port}/litellm_inside"), &[]), 503).await;
    drop(listener);
}

#[tokio::test]
async fn something_else_that_listens_there_is_an_outage() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    expect_outage(&api_at(&format!("postgres://reader:hunter2@127.0.0.1:{port}/litellm_inside"), &[]), 503).await;
    server.abort();
}

#[tokio::test]
async fn a_database_without_the_table_or_without_a_column_is_an_outage() {
    let database = Arc::new(Database::empty("faults_tables").await);
    let app = App::over(Arc::clone(&database), tests::faults::now(), &[]);
    expect_outage(&app, 503).await;
    app.state.db.close().await;

    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" DROP COLUMN spend"#).await;
    conn.close().await.expect("closed");
    let app = App::over(Arc::clone(&database), tests::faults::now(), &[]);
    expect_outage(&app, 503).await;
    app.state.db.close().await;

    let mut conn = database.connect().await;
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" ADD COLUMN spend double precision NOT NULL DEFAULT 0"#).await;
    conn.close().await.expect("closed");
    let app = App::over(database, tests::faults::now(), &[]);
    assert_eq!(app.get(OVERVIEW).await.ok()["total_requests"], 0);
    assert_eq!(app.get("/health").await.ok()["newest_request"], serde_json::Value::Null);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_table_that_is_created_later_is_found_without_a_restart() {
    let database = Database::empty("faults_later").await;
    let app = api_at(database.url(), &[]);
    expect_outage(&app, 503).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_61_20).await.expect("the schema loads");
    assert_eq!(app.get(OVERVIEW).await.ok()["total_requests"], 0);
    assert_eq!(app.get("/health").await.ok()["status"], "healthy");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_column_that_comes_or_goes_meanwhile_is_noticed_without_a_restart() {
    let (database, mut conn) = without_rows("faults_columns").await;
    let app = api_at(database.url(), &[]);
    for (path, answer) in ask_everything(&app, "some-id").await {
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
    }
    // One that newer releases have: the next request learns of it, those after it do without.
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" DROP COLUMN session_id, DROP COLUMN litellm_call_id"#).await;
    let _ = app.get("/api/v1/requests").await;
    for (path, answer) in ask_everything(&app, "some-id").await {
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
    }
    // One that all have: an outage for as long as it is missing.
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME COLUMN spend TO spent"#).await;
    let _ = app.get(OVERVIEW).await.problem(503);
    expect_outage(&app, 503).await;
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME COLUMN spent TO spend"#).await;
    assert_eq!(app.get(OVERVIEW).await.status, 200);
    // The table itself, as a restore from a backup would have it.
    execute(&mut conn, r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME TO "Restoring""#).await;
    expect_outage(&app, 503).await;
    execute(&mut conn, r#"ALTER TABLE "Restoring" RENAME TO "LiteLLM_SpendLogs""#).await;
    assert_eq!(app.get(OVERVIEW).await.status, 200);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_role_that_may_not_read_the_table_is_an_outage_until_it_may() {
    let (database, mut conn) = without_rows("faults_role").await;
    execute(&mut conn, "DROP ROLE IF EXISTS traceability_test_faults_reader").await;
    execute(&mut conn, "CREATE ROLE traceability_test_faults_reader LOGIN PASSWORD 'hunter2'").await;
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username("traceability_test_faults_reader").expect("a name");
    url.set_password(Some("hunter2")).expect("a password");
    let app = api_at(url.as_str(), &[]);
    expect_outage(&app, 503).await;
    execute(&mut conn, r#"GRANT SELECT ON "LiteLLM_SpendLogs" TO traceability_test_faults_reader"#).await;
    assert_eq!(app.get(OVERVIEW).await.ok()["total_requests"], 0, "the companions need not be readable");
    execute(&mut conn, r#"REVOKE SELECT ON "LiteLLM_SpendLogs" FROM traceability_test_faults_reader"#).await;
    expect_outage(&app, 503).await;
    app.state.db.close().await;
    execute(&mut conn, "DROP ROLE traceability_test_faults_reader").await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_statement_that_takes_too_long_is_a_timeout() {
    let (database, mut conn) = without_rows("faults_slow").await;
    let app = api_at(database.url(), &[("STATEMENT_TIMEOUT_MS", "300"), ("DATABASE_MAX_CONNECTIONS", "20")]);
    assert_eq!(app.get(OVERVIEW).await.status, 200);
    let mut writer = conn.begin().await.expect("a transaction");
    execute(&mut writer, r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#).await;
    expect_outage(&app, 504).await;
    writer.rollback().await.expect("rolled back");
    assert_eq!(app.get(OVERVIEW).await.status, 200);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn with_its_own_limits_the_api_answers_while_the_table_is_locked() {
    let (database, mut conn) = without_rows("faults_locked").await;
    let app = api_at(database.url(), &[]);
    assert_eq!(app.get(OVERVIEW).await.status, 200);
    let mut writer = conn.begin().await.expect("a transaction");
    execute(&mut writer, r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#).await;
    // There are two connections: the first two requests wait for the table, the others for a connection.
    for (path, answer) in ask_everything(&app, "some-id").await {
        assert!(matches!(answer.status.as_u16(), 503 | 504), "{path}: {}", answer.text);
        let _ = answer.problem(answer.status.as_u16());
    }
    let health = tokio::time::timeout(Duration::from_secs(4), app.get("/health")).await.expect("/health answers");
    assert_eq!(health.status, 503);
    writer.rollback().await.expect("rolled back");
    assert_eq!(app.get(OVERVIEW).await.status, 200);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn connections_that_the_server_ended_are_made_anew() {
    let (database, mut conn) = without_rows("faults_restart").await;
    let app = api_at(database.url(), &[]);
    for pause in [Duration::ZERO, Duration::from_millis(1_100)] {
        for (path, answer) in ask_everything(&app, "some-id").await {
            assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
        }
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'llm-traceability-api'",
        )
        .fetch_all(&mut conn)
        .await
        .expect("the backends end");
        assert!(!ended.is_empty(), "the API had no connection");
        tokio::time::sleep(pause).await;
        if pause.is_zero() {
            // One that was used a moment ago is not asked whether it lives: each may cost one request.
            for _ in 0..ended.len() {
                let answer = app.get(OVERVIEW).await;
                assert!(answer.status == 200 || answer.problem(503)["status"] == 503, "{}", answer.text);
            }
        }
        assert_eq!(app.get(OVERVIEW).await.status, 200, "after {pause:?}");
        assert_eq!(app.get("/health").await.status, 200);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn connections_that_died_without_a_word_are_replaced_on_the_first_try() {
    let (database, _conn) = without_rows("faults_silence").await;
    let wire = Wire::to(database.url()).await;
    // Longer than a request may wait for a connection: nothing but the API's own doubt helps.
    let app = api_at(wire.url(), &[]);
    for (path, answer) in ask_everything(&app, "some-id").await {
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
    }
    let before = wire.connections();
    assert!(before >= 2, "there were {before} connections");
    wire.silence();
    // As if the environment had been frozen for a while.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for (path, answer) in ask_everything(&app, "some-id").await {
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
    }
    assert!(wire.connections() > before);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_answer_that_nobody_waits_for_costs_no_other_its_connection() {
    let (database, mut conn) = without_rows("faults_given_up").await;
    let app = api_at(database.url(), &[("DATABASE_MAX_CONNECTIONS", "1")]);
    assert_eq!(app.get(OVERVIEW).await.status, 200);
    let mut writer = conn.begin().await.expect("a transaction");
    execute(&mut writer, r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#).await;
    // The client hangs up in the middle of a statement.
    let given_up = tokio::time::timeout(Duration::from_millis(300), app.get(OVERVIEW)).await;
    assert!(given_up.is_err(), "the table was not locked");
    writer.rollback().await.expect("rolled back");
    assert_eq!(app.get(OVERVIEW).await.status, 200);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_server_that_does_not_let_the_api_in_is_an_outage() {
    let database = Database::empty("faults_login").await;
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username("nobody_of_this_name").expect("a name");
    expect_outage(&api_at(url.as_str(), &[]), 503).await;
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_path("no_database_of_this_name");
    expect_outage(&api_at(url.as_str(), &[]), 503).await;
}
