//! Every real request, found by either of its ids, with what LiteLLM logged of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sqlx::Connection;
use tests::{App, Database, encode, rows};

fn path(id: &str) -> String {
    format!("/api/v1/requests/{}", encode(id))
}

/// The stored response of each request as PostgreSQL writes it.
async fn responses(release: Release) -> HashMap<String, String> {
    let database = Database::of_release(release).await;
    let mut conn = database.connect().await;
    let sql = r#"SELECT request_id, response::text FROM "LiteLLM_SpendLogs""#;
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut conn).await.expect("the responses");
    conn.close().await.expect("closed");
    rows.into_iter().collect()
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).expect("a time")
}

/// A text column as the API shows it: empty is none.
fn or_null(row: &Value, column: &str) -> Value {
    rows::text(row, column).map_or(Value::Null, Value::from)
}

/// The number in the first of these places of the metadata.
fn usage(row: &Value, paths: &[&str]) -> Value {
    let mut numbers = paths.iter().filter_map(|path| row["metadata"].pointer(path)).filter(|value| value.is_number());
    numbers.next().cloned().unwrap_or_default()
}

/// What the API's metadata of a request is: LiteLLM's without the price table, the key's hash and the logged request.
fn metadata(row: &Value) -> Value {
    let mut metadata = row["metadata"].clone();
    if let Value::Object(map) = &mut metadata {
        for key in ["model_map_information", "user_api_key", "proxy_server_request"] {
            map.remove(key);
        }
    }
    // An exceeded budget names the key by its hash.
    let key = row["api_key"].as_str().filter(|key| key.len() == 64).unwrap_or("no hash");
    serde_json::from_str(&metadata.to_string().replace(key, "masked")).expect("JSON")
}

fn check(shown: &Value, row: &Value) {
    let id = row["request_id"].as_str().expect("an id");
    let failed = row["status"] == "failure" || row["metadata"]["status"] == "failure";
    let tags: BTreeSet<&str> = row["request_tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let provider = row["custom_llm_provider"].as_str().unwrap_or_default();
    let model = row["model"].as_str().unwrap_or_default();
    let group = rows::text(row, "model_group").or(model.strip_prefix(&format!("{provider}/"))).unwrap_or(model);
    for (field, expected) in [
        ("request_id", row["request_id"].clone()),
        ("litellm_call_id", or_null(row, "litellm_call_id")),
        ("session_id", rows::session(row).into()),
        ("user_id", rows::text(row, "user").unwrap_or("unknown").into()),
        ("end_user", or_null(row, "end_user")),
        ("team_id", or_null(row, "team_id")),
        ("organization_id", or_null(row, "organization_id")),
        ("model", model.into()),
        ("model_group", if group.is_empty() { Value::Null } else { group.into() }),
        ("provider", or_null(row, "custom_llm_provider")),
        ("api_base", row["api_base"].as_str().and_then(|url| url.split('?').next()).into()),
        ("call_type", or_null(row, "call_type")),
        ("status", if failed { "failure" } else { "success" }.into()),
        ("error_class", or_null(&row["metadata"]["error_information"], "error_class")),
        ("prompt_tokens", row["prompt_tokens"].clone()),
        ("completion_tokens", row["completion_tokens"].clone()),
        ("total_tokens", row["total_tokens"].clone()),
        ("cost", row["spend"].as_f64().into()),
        ("cache_hit", row["cache_hit"].clone()),
        ("cache_key", row["cache_key"].clone()),
        ("metadata", metadata(row)),
        ("request_tags", json!(tags)),
        (
            "cached_tokens",
            usage(
                row,
                &[
                    "/usage_object/prompt_tokens_details/cached_tokens",
                    "/usage_object/cache_read_input_tokens",
                    "/additional_usage_values/prompt_tokens_details/cached_tokens",
                    "/additional_usage_values/cache_read_input_tokens",
                ],
            ),
        ),
        (
            "reasoning_tokens",
            usage(
                row,
                &[
                    "/usage_object/completion_tokens_details/reasoning_tokens",
                    "/additional_usage_values/completion_tokens_details/reasoning_tokens",
                ],
            ),
        ),
    ] {
        assert_eq!(shown[field], expected, "{field} of {id}");
    }
    let (start, end) = (rows::time(row, "startTime"), rows::time(row, "endTime"));
    let first = rows::time(row, "completionStartTime");
    assert_eq!(time(&shown["request_start"]), start, "{id}");
    assert_eq!(time(&shown["request_end"]), end, "{id}");
    assert_eq!(time(&shown["completion_start"]), first, "{id}");
    let milliseconds = row["request_duration_ms"].as_i64().unwrap_or((end - start).num_milliseconds());
    let close = |value: &Value, milliseconds: i64| {
        value.as_f64().is_some_and(|seconds| (seconds * 1000.0 - milliseconds as f64).abs() < 0.001)
    };
    assert!(close(&shown["total_time"], milliseconds), "{id}: {}", shown["total_time"]);
    // LiteLLM notes the end as the time of the first token where nothing was streamed.
    if first >= start && end - first > chrono::Duration::milliseconds(1) {
        assert!(close(&shown["time_to_first_token"], (first - start).num_milliseconds()), "{id}");
    } else {
        assert_eq!(shown["time_to_first_token"], Value::Null, "{id}");
    }
}

#[tokio::test]
async fn every_request_is_shown_with_what_was_logged_of_it_and_its_response_as_it_was_stored() {
    for release in Release::ALL {
        let stored = responses(release).await;
        let app = App::of_release(release).await;
        for row in rows::log(release) {
            let id = row["request_id"].as_str().expect("an id");
            let detail = app.get(&path(id)).await;
            let shown = detail.ok();
            check(&shown, &row);
            let messages = app.get(&format!("{}/messages", path(id))).await;
            assert_eq!(messages.ok()["request_id"], id);
            // In the very words of the database: nothing is reordered, rounded or left out.
            let blank = matches!(stored[id].as_str(), "{}" | "[]" | "null");
            let response = if blank { "\"response\":null".to_owned() } else { format!("\"response\":{}", stored[id]) };
            assert!(detail.text.contains(&response), "{id}");
            assert!(messages.text.contains(&response), "{id}");
            let body = &row["proxy_server_request"];
            let prompts = ["messages", "input", "prompt", "contents", "arguments", "params", "query"];
            let sent = prompts.iter().find_map(|name| body.get(name));
            let logged = Some(&row["messages"]).filter(|messages| **messages != json!({}));
            assert_eq!(shown["messages"], *sent.or(logged).unwrap_or(&Value::Null), "the prompt of {id}");
            for field in ["content_available", "content_unavailable_reason", "request_parameters"] {
                assert_eq!(messages.ok()[field], shown[field], "{field} of {id}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_is_found_by_its_call_id_and_of_several_the_newest() {
    let app = App::of_release(Release::V1_109_1).await;
    let log = rows::log(Release::V1_109_1);
    let mut newest: HashMap<&str, &Value> = HashMap::new();
    for row in &log {
        // One of an early failure has none.
        let Some(call) = rows::text(row, "litellm_call_id") else { continue };
        let kept = newest.entry(call).or_insert(row);
        if rows::time(row, "startTime") > rows::time(kept, "startTime") {
            *kept = row;
        }
    }
    assert!(newest.len() < log.len(), "a call id was used twice");
    let ids: BTreeSet<&str> = log.iter().filter_map(|row| row["request_id"].as_str()).collect();
    let mut found = 0;
    for (call, row) in newest.into_iter().filter(|(call, _)| !ids.contains(call)) {
        assert_eq!(app.get(&path(call)).await.ok()["request_id"], row["request_id"], "{call}");
        let messages = app.get(&format!("{}/messages", path(call))).await.ok();
        assert_eq!(messages["request_id"], row["request_id"], "{call}");
        found += 1;
    }
    assert!(found > 1_000, "{found}");
}

#[tokio::test]
async fn any_id_can_be_asked_for_and_a_request_id_wins_over_a_call_id() {
    let database = Arc::new(Database::empty("strange_ids").await);
    let strange = [
        "1",
        "None",
        "null",
        "a/b",
        "a/messages",
        "/",
        "..",
        "a+b",
        "a b",
        "a%20b",
        "%",
        "%2F",
        "a?b=c",
        "a#b",
        "a=b&c==",
        "søren 🏝️",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        "messages",
        "a\"b",
        "a\\b",
        "a\nb",
        ".",
        "'",
        ";",
    ];
    let long = format!("resp_{}", "x+/=".repeat(640));
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    let insert = r#"INSERT INTO "LiteLLM_SpendLogs" (request_id, litellm_call_id, session_id, call_type, "startTime", "endTime")
                    VALUES ($1, $2, $3, 'acompletion', '2026-11-01', '2026-11-01')"#;
    for id in strange.iter().copied().chain([long.as_str()]) {
        // Each id is the call id and the session of another request.
        for (request, other) in [(id.to_owned(), "none".to_owned()), (format!("other of {id}"), id.to_owned())] {
            sqlx::query(insert).bind(&request).bind(&other).bind(&other).execute(&mut conn).await.expect("a row");
        }
    }
    conn.close().await.expect("closed");
    let app = App::over(database, "2026-11-10T00:00:00Z".parse().expect("a time"), &[]);
    for id in strange.iter().copied().chain([long.as_str()]) {
        assert_eq!(app.get(&path(id)).await.ok()["request_id"], id);
        assert_eq!(app.get(&format!("{}/messages", path(id))).await.ok()["request_id"], id);
        let session = format!("/api/v1/sessions/{}", encode(id));
        assert_eq!(app.get(&format!("{session}/summary")).await.ok()["session_id"], id);
        let requests = app.get(&format!("{session}/messages")).await.ok();
        assert_eq!(requests[0]["request_id"], format!("other of {id}"));
        assert_eq!(requests.as_array().map(Vec::len), Some(1), "{id}");
    }
}
