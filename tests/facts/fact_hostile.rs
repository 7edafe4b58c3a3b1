//! Whatever stands in LiteLLM's JSON columns, every answer is an answer.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use tests::App;
use tests::made;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// What no column should hold, and may.
pub const ANYTHING: [&str; 13] = [
    "null",
    "0",
    "1e400",
    "-1e-400",
    r#""""#,
    r#""text""#,
    "true",
    "[]",
    "[1, null, [[{}]]]",
    r#"[{"choices": "x"}]"#,
    r#"{"": null}"#,
    r#"{"choices": 1, "output": {"type": 5}, "content": "x", "messages": 7, "metadata": [1e400], "input": {}, "tool_calls": {}}"#,
    r#"{"choices": [null, 1, {"message": [{"tool_calls": "x"}]}, {"message": {"tool_calls": [1, null], "content": 5}}], "usage": []}"#,
];

/// A column, and what it should not hold in particular.
pub const PARTICULAR: [(&str, &str); 28] = [
    ("metadata", r#"{"usage_object": "text"}"#),
    ("metadata", r#"{"usage_object": ["prompt_tokens_details"]}"#),
    ("metadata", r#"{"usage_object": {"prompt_tokens_details": {"cached_tokens": "12"}}}"#),
    ("metadata", r#"{"usage_object": {"prompt_tokens_details": {"cached_tokens": 1e400}}}"#),
    ("metadata", r#"{"usage_object": {"prompt_tokens_details": {"cached_tokens": -1e400, "x": 1}}}"#),
    ("metadata", r#"{"usage_object": {"prompt_tokens_details": {"cached_tokens": 1.5}}}"#),
    ("metadata", r#"{"usage_object": {"completion_tokens_details": {"reasoning_tokens": true}}}"#),
    ("metadata", r#"{"spend_logs_metadata": "agent_name", "agent_name": {"deep": []}}"#),
    ("metadata", r#"{"status": ["failure"], "error_information": "text", "user_api_key_alias": {}}"#),
    (
        "metadata",
        r#"{"error_information": {"error_class": [1]}, "mcp_tool_call_metadata": 5, "cold_storage_object_key": []}"#,
    ),
    ("metadata", r#"{"proxy_server_request": ["agent_name"]}"#),
    ("metadata", r#"{"proxy_server_request": "{\"agent_name\": \"\\ud800\"}"}"#),
    ("request_tags", r#"{"agent:x": 1}"#),
    ("request_tags", r#"[{"agent:x": 1}, 5, null, ["agent:y"], "plain"]"#),
    ("request_tags", r#""agent:scalar""#),
    ("proxy_server_request", r#"{"metadata": "text", "litellm_metadata": ["x"]}"#),
    ("proxy_server_request", r#"{"metadata": {"agent_name": 5, "requester_metadata": "x"}}"#),
    (
        "proxy_server_request",
        r#"{"messages": [1, null, {"role": 5, "content": {"a": 1}}, {"content": [null, 1, {"type": 5}]}]}"#,
    ),
    ("proxy_server_request", r#"{"messages": [{"role": "user", "content": "x"}], "temperature": 1e400}"#),
    (
        "proxy_server_request",
        r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "n": 1e400}]}]}"#,
    ),
    ("messages", r#"[{"role": "user", "content": "x", "n": 1e400}]"#),
    ("response", r#"{"choices": [{"message": {"content": "x"}}], "usage": {"total_tokens": 1e400}}"#),
    ("response", r#"{"output": [null, 1, {"type": ["function_call"]}, {"type": "function_call", "arguments": {}}]}"#),
    ("response", r#"{"candidates": [{"content": {"parts": [{"functionCall": 1}, 5]}}, null]}"#),
    // Texts of JSON that a cast refuses.
    ("response", r#"{"response": "{\"choices\": [{\"message\": {\"content\": \"\\ud83d\"}}]}"}"#),
    ("response", r#"{"text": "[1e999999]"}"#),
    ("response", r#""{\"output\": [\"\\u0000\", {}""#),
    ("response", r#"{"output": "[\"\u0001\"]"}"#),
];

pub const COLUMNS: [&str; 5] = ["metadata", "response", "request_tags", "proxy_server_request", "messages"];

/// A log in which each row has something wrong in one column.
async fn app() -> (App, Vec<String>) {
    let mut values: Vec<(&str, &str)> = PARTICULAR.to_vec();
    // As deep as PostgreSQL takes it, where calls are looked for and elsewhere.
    let deep = format!("{}1{}", r#"{"a":["#.repeat(2_500), "]}".repeat(2_500));
    let call = format!(r#"{{"choices": [{{"message": {{"tool_calls": [{{"function": {deep}}}]}}}}], "odd": {deep}}}"#);
    let text = serde_json::json!({"response": deep}).to_string();
    for value in [&deep, &call, &text] {
        values.push(("response", value));
    }
    values.extend(COLUMNS.iter().flat_map(|column| ANYTHING.map(|value| (*column, value))));
    let ids: Vec<String> = (0..values.len()).map(|place| format!("r{place}")).collect();
    let start = |place: usize| noon() - TimeDelta::seconds(i64::try_from(place).expect("a small number"));
    let rows: Vec<Value> = ids.iter().enumerate().map(|(place, id)| made::row(id, start(place), json!({}))).collect();
    let database = made::database("hostile", &rows).await;
    let mut conn = database.connect().await;
    for (id, (column, value)) in ids.iter().zip(&values) {
        // As text: a number such as 1e400 is none to Rust.
        let update = format!(r#"UPDATE "LiteLLM_SpendLogs" SET {column} = $1::text::jsonb WHERE request_id = $2"#);
        sqlx::query(AssertSqlSafe(update)).bind(value).bind(id).execute(&mut conn).await.expect("it is JSON");
    }
    sqlx::raw_sql(
        r#"UPDATE "LiteLLM_SpendLogs" SET messages = NULL, response = NULL, request_tags = NULL,
                            proxy_server_request = NULL, metadata = NULL WHERE request_id = 'r0'"#,
    )
    .execute(&mut conn)
    .await
    .expect("the columns may be NULL");
    conn.close().await.expect("closed");
    (App::over(database, noon() + TimeDelta::hours(1), &[]), ids)
}

#[tokio::test]
async fn no_json_of_a_row_makes_an_answer_fail() {
    let (app, ids) = app().await;
    let mut questions: Vec<String> = ["overview", "models", "agents", "usage-trends", "usage-trends?granularity=hour"]
        .map(|question| format!("/api/v1/analytics/{question}"))
        .to_vec();
    for dimension in ["model", "agent", "user", "end_user", "team", "key", "provider", "tag", "tool", "tag,tool"] {
        questions.push(format!("/api/v1/analytics/cost-breakdown?group_by={dimension}"));
    }
    for question in ["overview", "models", "agents", "users", "latency", "errors", "tools", "usage-trends"] {
        questions.push(format!("/api/v1/analytics/{question}?details=true&compare=previous&granularity=week"));
    }
    questions.push("/api/v1/analytics/sessions".to_owned());
    for list in ["/api/v1/sessions", "/api/v1/requests"] {
        for filter in ["agent_name=unknown", "conversation_name=default", "tag=plain", "status=failure", "limit=1000"] {
            questions.push(format!("{list}?{filter}"));
        }
    }
    questions.push("/api/v1/sessions?has_tool_calls=true&sort=cost".to_owned());
    let rows = [("sessions", "summary"), ("sessions", "messages"), ("requests", "messages")];
    for id in &ids {
        questions.push(format!("/api/v1/requests/{id}"));
        questions.extend(rows.map(|(list, part)| format!("/api/v1/{list}/{id}/{part}")));
    }
    let mut failed = BTreeMap::new();
    for question in &questions {
        let answer = app.get(question).await;
        if answer.status != 200 {
            failed.insert(question, answer.text);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");

    let overview = app.get("/api/v1/analytics/overview").await.ok();
    assert_eq!(overview["total_requests"], ids.len());
    assert_eq!(overview["total_tokens"], 15 * ids.len());
}

#[tokio::test]
async fn only_texts_are_tags() {
    let rows = [
        made::row("mixed", noon(), json!({"request_tags": [{"object": 1}, 5, null, ["nested"], "plain", "plain"]})),
        made::row("object", noon(), json!({"request_tags": {"object": 1}})),
    ];
    let app = App::over(made::database("odd_tags", &rows).await, noon() + TimeDelta::hours(1), &[]);
    let requests = app.get("/api/v1/requests").await.ok();
    let tags = |id: &str| {
        requests.as_array().expect("a list").iter().find(|row| row["request_id"] == id).expect(id)["tags"].clone()
    };
    assert_eq!(tags("mixed"), json!(["plain"]));
    assert_eq!(tags("object"), json!([]));
    for (tag, found) in [("plain", 1), ("nested", 0), ("5", 0), ("object", 0)] {
        let list = app.get(&format!("/api/v1/requests?tag={tag}")).await.ok();
        assert_eq!(list.as_array().map(Vec::len), Some(found), "{tag}");
    }
    let shares = app.get("/api/v1/analytics/cost-breakdown?group_by=tag").await.ok();
    let categories: Vec<&Value> = shares.as_array().expect("a list").iter().map(|share| &share["category"]).collect();
    assert_eq!(categories, ["plain", "untagged"]);
}
