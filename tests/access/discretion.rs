//! What was asked, what was stored and what went wrong inside stay out of the log.

use std::sync::Arc;

use local::fixtures::{self, Release};
use serde_json::json;
use sqlx::Connection;
use tests::faults::{api_at, ask_everything};
use tests::{App, Database, Logs, endpoints};

/// No log line may have it.
const MARKER: &str = "xyzzy-4711";

#[track_caller]
fn expect_silence(logs: &Logs) {
    let lines = logs.take();
    assert!(lines.iter().any(|line| line.contains("latency_ms=")), "requests are logged: {lines:?}");
    for line in lines {
        assert!(!line.contains(MARKER), "the log tells what it must not: {line}");
    }
}

#[tokio::test]
async fn the_log_tells_nothing_of_what_was_asked() {
    let app = App::in_process(Release::V1_80_0).await;
    let logs = Logs::collect();
    for endpoint in endpoints::all() {
        let path = endpoint.with_id(MARKER);
        let mut targets = vec![path.clone(), format!("{path}?{MARKER}=1"), format!("{path}/{MARKER}")];
        targets.extend(endpoint.query.iter().map(|parameter| format!("{path}?{parameter}={MARKER}")));
        targets.extend(endpoint.query.iter().map(|parameter| format!("{path}?{parameter}={MARKER}%00")));
        for target in targets {
            let _ = app.get(&target).await;
            let _ = app.post(&target, &json!({})).await;
        }
    }
    let search = "/api/v1/sessions/search";
    for field in
        ["agent_name", "conversation_name", "user_id", "end_user", "tag", "start_date", "min_cost", "timezone", MARKER]
    {
        let _ = app.post(search, &json!({field: MARKER})).await;
        let _ = app.post(search, &json!({field: [MARKER]})).await;
        let _ = app.post_text(search, &format!("{{\"{field}\": \"{MARKER}"), Some("application/json")).await;
        let _ = app.post_text(search, MARKER, Some(MARKER)).await;
    }
    expect_silence(&logs);
}

#[tokio::test]
async fn the_log_tells_nothing_of_what_was_stored() {
    let database = Arc::new(Database::empty("discretion").await);
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    // Content of every kind that could trip a reader, each with the marker.
    let contents = [
        json!({"messages": [{"role": "user", "content": MARKER}]}),
        json!({"messages": MARKER}),
        json!({"messages": [[MARKER]], "input": {"a": MARKER}}),
        json!([MARKER]),
        json!(MARKER),
    ];
    for (number, content) in contents.iter().enumerate() {
        for (kind, metadata) in
            [json!({"agent_name": MARKER}), json!({"usage_object": {"prompt_tokens_details": MARKER}}), json!([MARKER])]
                .iter()
                .enumerate()
        {
            sqlx::query(
                r#"INSERT INTO "LiteLLM_SpendLogs" (request_id, session_id, call_type, "startTime", "endTime", "user",
                       metadata, proxy_server_request, response, request_tags)
                   VALUES ($1, 'session', 'acompletion', '2026-11-01', '2026-11-01', $2, $3, $4, $4, $4)"#,
            )
            .bind(format!("request-{number}-{kind}"))
            .bind(MARKER)
            .bind(metadata)
            .bind(content)
            .execute(&mut conn)
            .await
            .expect("a row");
        }
    }
    conn.close().await.expect("closed");
    let app = App::over(database, "2026-11-10T00:00:00Z".parse().expect("a time"), &[]);
    let logs = Logs::collect();
    let (mut shown, mut asked) = (0, 0);
    for endpoint in endpoints::over_the_log() {
        let ids: Vec<String> = match endpoint.path_parameter() {
            Some("request_id") => (0..5).flat_map(|n| (0..3).map(move |kind| format!("request-{n}-{kind}"))).collect(),
            _ => vec!["session".to_owned()],
        };
        for id in ids {
            let path = endpoint.with_id(&id);
            let answer = if endpoint.method == http::Method::POST {
                app.post(&path, &json!({})).await
            } else {
                app.get(&path).await
            };
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            shown += usize::from(answer.text.contains(MARKER));
            asked += 1;
        }
    }
    assert!(shown * 2 > asked, "the marker is in the answers: {shown} of {asked}");
    expect_silence(&logs);
}

#[tokio::test]
async fn the_log_tells_nothing_of_what_was_asked_of_a_database_that_fails() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let app = api_at(&format!("postgres://reader:{MARKER}@127.0.0.1:{port}/litellm"), &[]);
    let logs = Logs::collect();
    for (path, answer) in ask_everything(&app, MARKER).await {
        assert_eq!(answer.status, 503, "{path}");
    }
    let lines = logs.take();
    assert!(lines.iter().any(|line| line.contains("advice=")), "a fault is logged with what to do: {lines:?}");
    for line in lines {
        assert!(!line.contains(MARKER), "the log tells what it must not: {line}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_log_tells_nothing_of_what_was_asked_of_a_database_that_is_slow() {
    let logs = Logs::collect();
    let database = Database::empty("discretion_slow").await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    let app = api_at(database.url(), &[("STATEMENT_TIMEOUT_MS", "200"), ("DATABASE_MAX_CONNECTIONS", "20")]);
    assert_eq!(app.get("/health").await.status, 200);
    let mut writer = conn.begin().await.expect("a transaction");
    sqlx::raw_sql(r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#)
        .execute(&mut *writer)
        .await
        .expect("locked");
    for (path, answer) in ask_everything(&app, MARKER).await {
        // 503 where a busy machine has no connection in time.
        assert!(matches!(answer.status.as_u16(), 503 | 504), "{path}: {}", answer.status);
    }
    expect_silence(&logs);
}
