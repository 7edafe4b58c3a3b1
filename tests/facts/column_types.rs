//! Columns of types that LiteLLM never gave them.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tests::database::run;
use tests::made::{self, Scratch};
use tests::{App, Database, Logs, endpoints};
use traceability_core::name_paths::NamePaths;
use traceability_queries::source::RequestSource;

/// The columns of LiteLLM's log that are read, and their types; types in whose place they can be read as well, and one in
/// whose place they cannot.
const COLUMNS: [(&[&str], &str, &[&str], &str); 5] = [
    (
        &[
            "request_id",
            "call_type",
            "api_key",
            "model",
            "model_group",
            "custom_llm_provider",
            "api_base",
            "user",
            "cache_hit",
            "cache_key",
            "team_id",
            "end_user",
            "session_id",
            "status",
            "mcp_namespaced_tool_name",
            "organization_id",
            "agent_id",
            "litellm_call_id",
        ],
        "text",
        &["varchar(600)", "name"],
        "uuid",
    ),
    (
        &["startTime", "endTime", "completionStartTime"],
        "timestamp(3) without time zone",
        &["timestamp", "timestamp"],
        "timestamp with time zone",
    ),
    (
        &["total_tokens", "prompt_tokens", "completion_tokens", "request_duration_ms"],
        "integer",
        &["bigint", "numeric"],
        "text",
    ),
    (&["spend"], "double precision", &["numeric(20,10)", "real"], "text"),
    (
        &["metadata", "request_tags", "messages", "response", "proxy_server_request"],
        "jsonb",
        &["jsonb", "jsonb"],
        "json",
    ),
];

#[tokio::test]
async fn a_type_that_cannot_be_read_is_named_with_its_column() {
    let mut scratch = Scratch::new("column_types").await;
    made::create_tables(&mut scratch.conn, local::fixtures::SCHEMA_VERSIONS.len()).await;
    for (columns, own, _, other) in COLUMNS {
        for column in columns {
            let alter = |to: &str| {
                format!(
                    r#"ALTER TABLE "LiteLLM_SpendLogs" ALTER COLUMN "{column}" DROP DEFAULT,
                       ALTER COLUMN "{column}" TYPE {to} USING "{column}"::text::{to}"#
                )
            };
            scratch.run(&alter(other)).await;
            let error =
                RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect_err(column).to_string();
            let named = [format!("\"{column}\""), format!("has the type {other},"), format!("gives it {own}:")];
            assert!(named.iter().all(|part| error.contains(part)), "{error}");
            scratch.run(&alter(own)).await;
        }
    }
    let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("all is as it was");
    let now = Utc::now().naive_utc();
    assert!(facts.key_query("hash", now).is_some());
    // What limits a key is not overlooked, and nothing fails that can do without.
    for (table, column, other) in [
        ("LiteLLM_VerificationToken", "allowed_routes", "jsonb USING to_jsonb(allowed_routes)"),
        ("LiteLLM_VerificationToken", "blocked", "text"),
        ("LiteLLM_UserTable", "teams", "jsonb USING to_jsonb(teams)"),
    ] {
        let sql = format!(
            r#"ALTER TABLE "{table}" ALTER COLUMN "{column}" DROP DEFAULT, ALTER COLUMN "{column}" TYPE {other}"#
        );
        scratch.run(&format!("BEGIN; {sql}")).await;
        let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("the log is LiteLLM's");
        assert!(facts.key_query("hash", now).is_none(), "{column}");
        scratch.run("ROLLBACK").await;
    }
}

/// Every endpoint's answers with the row's columns of these types.
async fn answers(app: &App) -> Vec<(String, serde_json::Value)> {
    let mut answers = Vec::new();
    for endpoint in endpoints::over_the_log() {
        let path = endpoint.with_id("one");
        let answer = if endpoint.method == http::Method::POST {
            app.post(&path, &json!({})).await
        } else {
            app.get(&path).await
        };
        answers.push((path, answer.ok()));
    }
    answers
}

#[tokio::test]
async fn types_that_can_be_read_change_no_answer() {
    let start = Utc::now() - TimeDelta::hours(30);
    let response = json!({"choices": [{"message": {"role": "assistant", "content": "hello"}}]});
    let row = made::row("one", start, json!({"response": response, "request_tags": ["a"], "spend": 0.5}));
    let database = made::database("column_types", &[row]).await;
    let now = Utc::now();
    let api = |database: &Arc<Database>| App::over(Arc::clone(database), now, &[]);
    let app = api(&database);
    let expected = answers(&app).await;
    app.state.db.close().await;
    for place in [0, 1] {
        let changes: Vec<String> = COLUMNS
            .iter()
            .flat_map(|(columns, _, others, _)| {
                let other = others[place];
                columns.iter().map(move |column| {
                    format!(r#"ALTER COLUMN "{column}" DROP DEFAULT, ALTER COLUMN "{column}" TYPE {other} USING "{column}"::{other}"#)
                })
            })
            .collect();
        run(&database, &format!(r#"ALTER TABLE "LiteLLM_SpendLogs" {}"#, changes.join(", "))).await;
        let app = api(&database);
        for ((path, answer), (_, expected)) in answers(&app).await.into_iter().zip(&expected) {
            assert_eq!(&answer, expected, "{path}");
        }
        app.state.db.close().await;
    }
    // One that cannot be read is for the service's log; the caller learns that there is no answer.
    run(&database, r#"ALTER TABLE "LiteLLM_SpendLogs" ALTER COLUMN "endTime" TYPE timestamptz"#).await;
    let logs = Logs::collect();
    let app = api(&database);
    let problem = app.get("/api/v1/analytics/overview").await.problem(503);
    assert_eq!(problem["type"], "urn:llm-traceability:problem:database-unavailable");
    let lines = logs.take().join("\n");
    assert!(lines.contains(r#"the column "endTime""#) && lines.contains("timestamp(3) without time zone"), "{lines}");
    app.state.db.close().await;
}
