//! Whatever clients do, LiteLLM's server has as few connections of ours as was set, and nobody has all of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use local::fixtures::{self, Release};
use local::limits::Limits;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::Database;
use tests::http::Client;
use tests::server::{LocalServer, bounded};
use tokio::io::AsyncWriteExt;
use traceability_access::Exposure;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_http::AppState;

const OVERVIEW: &str = "/api/v1/analytics/overview";
const LOOKUP: &str = "/api/v1/requests/no-such-id";
/// Our connections to the test's database.
const OURS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'llm-traceability-api'";

/// A database of the test's own with the newest release's tables, and connections to look on with and to lock with.
async fn database(name: &str) -> (Database, PgConnection, PgConnection) {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    let locker = database.connect().await;
    (database, conn, locker)
}

fn config(database: &Database, connections: &'static str) -> (DatabaseConfig, Environment) {
    // So long that no statement of these tests ends by itself.
    let settings = [("DATABASE_MAX_CONNECTIONS", connections), ("STATEMENT_TIMEOUT_MS", "28000")];
    let environment = settings.into_iter().collect();
    let mut config = DatabaseConfig::with_url(database.url().to_owned(), &environment).expect("settings");
    config.lock_timeout = config.statement_timeout;
    (config, environment)
}

async fn count(conn: &mut PgConnection, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) {OURS} {condition}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(conn).await.expect("a count")
}

/// Waits until so many of our connections are like this.
async fn until(conn: &mut PgConnection, condition: &str, expected: i64) {
    for _ in 0..4_000 {
        if count(conn, condition).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("there are {} and not {expected} connections {condition}", count(conn, condition).await);
}

async fn lock(conn: &mut PgConnection) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut writer = conn.begin().await.expect("a transaction");
    sqlx::raw_sql(r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#)
        .execute(&mut *writer)
        .await
        .expect("locked");
    writer
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).expect("a request")
}

/// Asks, and hangs up: HTTP/1.1 by closing the connection, HTTP/2 by resetting the stream.
async fn ask_and_hang_up(server: &LocalServer, http2: Option<&Client>, path: &str) {
    let patience = Duration::from_millis(15);
    if let Some(client) = http2 {
        drop(tokio::time::timeout(patience, client.send(get(path))).await);
        return;
    }
    let mut stream = server.connect().await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    tokio::time::sleep(patience).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server"]
async fn clients_that_hang_up_leave_no_more_connections_than_the_pool_has() {
    let (database, mut onlooker, mut locker) = database("hang_ups").await;
    let (config, environment) = config(&database, "3");
    let state = AppState::new(&config, &environment, Exposure::ThisMachine).expect("settings");
    let server = LocalServer::start(state, Limits::default(), None).await;
    // The most connections at any moment, as another connection sees them.
    let most = Arc::new(Mutex::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let (seen, over, mut counter) = (Arc::clone(&most), Arc::clone(&is_over), database.connect().await);
    let counting = tokio::spawn(async move {
        while !over.load(Ordering::Relaxed) {
            let now = count(&mut counter, "").await;
            let mut most = seen.lock().expect("no panic");
            *most = now.max(*most);
        }
    });
    for http2 in [None, Some(server.http2_client())] {
        // Also while the pool makes its first connections.
        for _ in 0..5 {
            ask_and_hang_up(&server, http2.as_ref(), OVERVIEW).await;
        }
        assert_eq!(server.get(OVERVIEW).await.status, 200);
        let writer = lock(&mut locker).await;
        for number in 0..25 {
            ask_and_hang_up(&server, http2.as_ref(), [OVERVIEW, LOOKUP][number % 2]).await;
        }
        // What nobody waits for is cancelled: these statements had 28 seconds.
        until(&mut onlooker, "AND wait_event_type = 'Lock'", 0).await;
        writer.rollback().await.expect("rolled back");
        assert_eq!(server.get(OVERVIEW).await.status, 200);
    }
    is_over.store(true, Ordering::Relaxed);
    counting.await.expect("it counts");
    let most = *most.lock().expect("no panic");
    assert!((1..=4).contains(&most), "{most} connections for a pool of 3, and one to cancel with");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server"]
async fn one_caller_has_half_of_the_pool_and_health_has_a_connection_of_its_own() {
    let (database, mut onlooker, mut locker) = database("hang_ups_shares").await;
    let (config, environment) = config(&database, "4");
    let mut config = config.shared(&environment);
    config.acquire_timeout = Duration::from_secs(1);
    let state = AppState::new(&config, &environment, Exposure::ThisMachine).expect("settings");
    let server = LocalServer::start(state, Limits::default(), None).await;
    let client = server.client();
    assert_eq!(server.get(OVERVIEW).await.status, 200);
    let writer = lock(&mut locker).await;
    let waiting = "AND wait_event_type = 'Lock'";
    let ask = |path: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { bounded(client.send(get(path))).await.expect("an answer").status() })
    };
    let mut asked = vec![ask(OVERVIEW), ask(OVERVIEW)];
    until(&mut onlooker, waiting, 2).await;
    // Two of three places that are for questions: the third is free, but not for this caller's windows.
    let refused = server.get(OVERVIEW).await;
    assert_eq!(refused.problem(429)["type"], "urn:llm-traceability:problem:too-many-requests");
    assert!(refused.headers.contains_key("retry-after"));
    asked.push(ask(LOOKUP));
    until(&mut onlooker, waiting, 3).await;
    // Now none is free, whoever asks.
    let (window, lookup) = futures::future::join(server.get(OVERVIEW), server.get(LOOKUP)).await;
    for refused in [window, lookup] {
        assert_eq!(refused.problem(503)["type"], "urn:llm-traceability:problem:database-unavailable");
    }
    let health = ask("/health");
    until(&mut onlooker, waiting, 4).await;
    writer.rollback().await.expect("rolled back");
    for asked in asked {
        assert!(matches!(asked.await.expect("asked").as_u16(), 200 | 404));
    }
    assert_eq!(health.await.expect("asked"), 200);
    server.stop().await;
}
