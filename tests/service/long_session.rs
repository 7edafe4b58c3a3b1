//! Sessions that no real log here has: very long ones, and content that was put elsewhere.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection};
use tests::database::is_native;
use tests::made;
use tests::{App, Database, Logs};

/// Requests of the long session. An embedded database takes seconds for the larger number.
fn requests() -> u64 {
    if is_native() { 20_000 } else { 3_000 }
}

/// After how many requests a conversation of the long session begins anew.
const ROUNDS: u64 = 25;
/// How many messages the prompts of the moving session have at most.
const WINDOW: u64 = 10;

/// A log with a session `long`, whose conversations grow by a question and an answer with each request and begin anew
/// now and then; a session `moving` of a client that sends the last ten messages only; and a session `elsewhere`, whose
/// content is in an object store.
async fn made_up(name: &str) -> App {
    let database = Arc::new(Database::empty(name).await);
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    let requests = requests();
    let sql = format!(
        r#"INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, session_id, status, model, "startTime", "endTime",
               metadata, messages, proxy_server_request, response)
           SELECT session || '-' || i, 'acompletion', session, 'success', 'gpt-4o',
                  timestamp '2026-11-01' + i * interval '10 seconds',
                  timestamp '2026-11-01' + i * interval '10 seconds' + interval '1 second', '{{}}', '{{}}',
                  jsonb_build_object('messages', (
                      SELECT jsonb_agg(m.message ORDER BY m.at) FROM (
                          SELECT 2 * q AS at, jsonb_build_object('role', 'user', 'content', session || ' asks question number ' || q) AS message
                          FROM generate_series(first, i) AS q
                          UNION ALL
                          SELECT 2 * q + 1, jsonb_build_object('role', 'assistant', 'content', session || ' gets answer number ' || q)
                          FROM generate_series(first, i - 1) AS q) m)),
                  jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('index', 0, 'message',
                      jsonb_build_object('role', 'assistant', 'content', session || ' gets answer number ' || i))))
           FROM (SELECT 'long' AS session, i, i - i % {ROUNDS} AS first FROM generate_series(0, {requests} - 1) AS i
                 UNION ALL
                 SELECT 'moving', i, greatest(0, i - {WINDOW} / 2) FROM generate_series(0, 999) AS i) r"#
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the sessions are made");
    sqlx::raw_sql(
        r#"INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, session_id, status, "startTime", "endTime", metadata,
               messages, proxy_server_request, response)
           VALUES ('cold', 'acompletion', 'elsewhere', 'success', '2026-11-02', '2026-11-02',
               '{"cold_storage_object_key": "bucket/2026/cold.json"}', '{}', '{}', '{}');
           ANALYZE"#,
    )
    .execute(&mut conn)
    .await
    .expect("the request is made");
    conn.close().await.expect("closed");
    App::over(database, "2026-11-10T00:00:00Z".parse().expect("a time"), &[])
}

/// Checks that the messages are the questions and the answers, in turn, each once.
fn expect_all(session: &str, requests: &[Value], count: u64) {
    assert_eq!(requests.len() as u64, count, "{session}");
    for (number, request) in (0..count).zip(requests) {
        assert_eq!(request["message_sequence"], number + 1);
        let messages = request["messages"].as_array().expect("messages");
        let said: Vec<_> = messages.iter().map(|message| message["text"].as_str().unwrap_or_default()).collect();
        let question = format!("{session} asks question number {number}");
        let answer = format!("{session} gets answer number {number}");
        assert_eq!(said, [question, answer], "request {number} of {session}");
    }
}

#[tokio::test]
async fn a_session_of_thousands_of_requests_pages_through_with_every_message_once() {
    let app = made_up("long_session").await;
    for (session, count) in [("long", requests()), ("moving", 1_000)] {
        for limit in [1_000, 333] {
            let (found, pages) = app.all_pages(&format!("/api/v1/sessions/{session}/messages?limit={limit}")).await;
            expect_all(session, &found, count);
            assert_eq!(pages as u64, count.div_ceil(limit), "{session} by {limit}");
        }
        let summary = app.get(&format!("/api/v1/sessions/{session}/summary")).await.ok();
        assert_eq!(summary["total_messages"], count);
    }
    check_statements(&app).await;
    read_from_the_middle(&app).await;
    let found = app.get("/api/v1/sessions/elsewhere/messages").await.ok();
    assert_eq!(found[0]["content_available"], false);
    assert_eq!(found[0]["content_unavailable_reason"], "cold_storage");
    let found = app.get("/api/v1/requests/cold/messages").await.ok();
    assert_eq!(found["prompt_availability"]["content_unavailable_reason"], "cold_storage");
    assert_eq!(found["response"], Value::Null);
    assert!(!found.to_string().contains("bucket/"), "where it is, is the proxy's business");
}

/// A page begins at any request, and leads from there to both ends, each request once and with what it added.
async fn read_from_the_middle(app: &App) {
    const MIDDLE: usize = 507;
    let (whole, _) = app.all_pages("/api/v1/sessions/moving/messages").await;
    let path = format!("/api/v1/sessions/moving/messages?limit=100&around=moving-{MIDDLE}");
    let page = app.get(&path).await;
    let (rest, _) = app.all_pages(&path).await;
    assert_eq!(rest, whole[MIDDLE..]);
    let (mut earlier, mut previous) = (Vec::new(), page.previous());
    while let Some(path) = previous {
        let page = app.get(&path).await;
        assert!(page.next().is_some(), "{path} leads back");
        earlier.splice(0..0, page.ok().as_array().expect("a list").clone());
        previous = page.previous();
    }
    assert_eq!(earlier, whole[..MIDDLE]);
    // Back and forth is the same page.
    let back = app.get(&page.previous().expect("a page")).await;
    assert_eq!(app.get(&back.next().expect("a page")).await.text, page.text);
    let first = app.get("/api/v1/sessions/moving/messages?limit=1&around=moving-0").await;
    assert_eq!((first.previous(), first.ok()[0]["message_sequence"].as_u64()), (None, Some(1)));
    for path in [
        "/api/v1/sessions/moving/messages?around=long-1".to_owned(),
        format!("{}&around=moving-1", page.next().expect("a page")),
    ] {
        assert_eq!(app.get(&path).await.blamed(), ["around"], "{path}");
    }
    let _ = app.get("/api/v1/sessions/nothing/messages?around=long-1").await.problem(404);
}

/// However far into the session a page is, it makes the same few statements, and reads no more contents than it shows and the
/// conversation's state takes.
async fn check_statements(app: &App) {
    let mut path = "/api/v1/sessions/moving/messages?limit=100".to_owned();
    for page in 0..10 {
        let logs = Logs::collect();
        let answer = app.get(&path).await;
        let statements = logs.take_statements();
        drop(logs);
        let contents = statements.iter().filter(|sql| sql.contains("s.metadata")).count();
        // A hundred requests, forty at a time, and those in which conversations stand.
        assert!((3..=4).contains(&contents), "page {page}: {statements:?}");
        match answer.next() {
            Some(next) => path = next,
            None => assert_eq!(page, 9),
        }
    }
}

/// Whose request it is may be in its payload. Pages of some of a session's requests are as full as others.
#[tokio::test]
async fn a_caller_of_one_agent_pages_through_its_own_requests() {
    let start: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().expect("a time");
    let rows: Vec<Value> = (0..60)
        .map(|number: i64| {
            // Eleven of one agent, most of them at the end.
            let agent = if number == 3 || number == 20 || number > 50 { "own" } else { "other" };
            let metadata = json!({"spend_logs_metadata": {"agent_name": agent}});
            let fields = json!({"session_id": "shared", "metadata": metadata});
            made::row(&format!("{number:02} {agent}"), start + TimeDelta::seconds(number), fields)
        })
        .collect();
    let database = made::database("long_session_agent", &rows).await;
    let sha256 = format!("{:x}", Sha256::digest("key"));
    let keys = json!([{"name": "own", "sha256": sha256, "scope": {"agents": ["own"]}}]).to_string();
    let settings = [("AUTH_MODE", "keys"), ("SERVICE_KEYS", keys.as_str()), ("CONTENT_ACCESS", "all")];
    let app = App::over(database, start + TimeDelta::hours(1), &[("INDEX", "off")]);
    let app = app.with_access(&settings).with_key("key");
    for limit in [1, 2, 5, 10, 11, 12, 1_000] {
        let (found, pages) = app.all_pages(&format!("/api/v1/sessions/shared/messages?limit={limit}")).await;
        let ids: Vec<_> = found.iter().map(|request| request["request_id"].as_str().expect("an id")).collect();
        assert!(ids.len() == 11 && ids.iter().all(|id| id.ends_with("own")) && ids.is_sorted(), "{limit}: {ids:?}");
        assert_eq!(pages, 11_usize.div_ceil(limit), "{limit}");
    }
}
