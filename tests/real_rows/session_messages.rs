//! A session's requests in order, each message of its conversation once, whole or in pages.

use std::collections::{BTreeMap, HashMap};

use local::fixtures::Release;
use serde_json::Value;
use sqlx::Connection;
use tests::{App, Database, encode, rows};

/// The rows of each session, in order.
fn sessions(release: Release) -> BTreeMap<String, Vec<Value>> {
    let mut sessions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows::log(release) {
        sessions.entry(rows::session(&row).to_owned()).or_default().push(row);
    }
    for requests in sessions.values_mut() {
        requests.sort_by_key(|row| (rows::time(row, "startTime"), row["request_id"].to_string()));
    }
    sessions
}

fn path(session: &str) -> String {
    format!("/api/v1/sessions/{}/messages", encode(session))
}

/// How long the prompt and the response are as PostgreSQL writes them, by request.
async fn lengths(release: Release) -> HashMap<String, (i64, i64)> {
    let database = Database::of_release(release).await;
    let mut conn = database.connect().await;
    let prompt = if release == Release::V1_61_20 {
        "s.messages::text"
    } else {
        r"COALESCE(s.proxy_server_request -> 'messages', s.proxy_server_request -> 'input',
                   s.proxy_server_request -> 'prompt', s.proxy_server_request -> 'contents',
                   s.proxy_server_request -> 'arguments', s.proxy_server_request -> 'params',
                   s.proxy_server_request -> 'query')::text"
    };
    let sql = format!(
        r#"SELECT request_id, COALESCE(length({prompt}), 0)::bigint,
                  CASE response::text WHEN '{{}}' THEN 0 ELSE length(response::text) END::bigint
           FROM "LiteLLM_SpendLogs" s"#
    );
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut conn).await.expect("the lengths");
    conn.close().await.expect("closed");
    rows.into_iter().map(|(id, prompt, response)| (id, (prompt, response))).collect()
}

/// Whether a response calls a tool, in any of the shapes it may have.
fn calls_a_tool(row: &Value, named: &[String]) -> bool {
    let response = &row["response"];
    let list = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    let of_type = |items: &Value, types: &[&str]| {
        items
            .as_array()
            .into_iter()
            .flatten()
            .any(|item| item["type"].as_str().is_some_and(|kind| types.contains(&kind)))
    };
    let blank = response.as_object().is_some_and(|map| {
        map.is_empty() || (map.len() == 1 && map.get("text").is_some_and(|text| text == "redacted-by-litellm"))
    });
    row["call_type"] == "call_mcp_tool"
        || (blank && row["call_type"] != "aembedding" && named.iter().any(|id| row["request_id"] == *id))
        || response["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|choice| list(&choice["message"]["tool_calls"]) || choice["message"]["function_call"].is_object())
        || of_type(&response["output"], &["function_call", "mcp_call", "custom_tool_call"])
        || of_type(&response["content"], &["tool_use", "server_tool_use", "mcp_tool_use"])
}

#[tokio::test]
async fn every_session_lists_its_requests_in_order_with_what_was_logged_of_them() {
    let mut function_calls = 0;
    for release in Release::ALL {
        let lengths = lengths(release).await;
        let named: Vec<String> = if release == Release::V1_109_1 {
            let index = rows::of_table(release, "LiteLLM_SpendLogToolIndex");
            index.iter().filter_map(|row| row["request_id"].as_str().map(str::to_owned)).collect()
        } else {
            Vec::new()
        };
        let app = App::of_release(release).await;
        for (session, requests) in sessions(release) {
            let shown = app.get(&path(&session)).await.ok();
            assert_eq!(shown.as_array().map(Vec::len), Some(requests.len()), "{session}");
            for (index, (shown, row)) in shown.as_array().into_iter().flatten().zip(&requests).enumerate() {
                let id = row["request_id"].as_str().expect("an id");
                let equal = |field: &str, expected: Value| assert_eq!(shown[field], expected, "{field} of {id}");
                equal("request_id", row["request_id"].clone());
                equal("message_sequence", (index + 1).into());
                equal("model", row["model"].clone());
                equal("prompt_tokens", row["prompt_tokens"].clone());
                equal("completion_tokens", row["completion_tokens"].clone());
                equal("total_tokens", row["total_tokens"].clone());
                equal("cost", row["spend"].as_f64().into());
                equal("cache_hit", (row["cache_hit"] == "True").into());
                equal("status", if has_failed(row) { "failure" } else { "success" }.into());
                let times = rows::time(row, "endTime") - rows::time(row, "startTime");
                let milliseconds = row["request_duration_ms"].as_i64().unwrap_or(times.num_milliseconds());
                let seconds = shown["response_time_seconds"].as_f64().expect("a number");
                assert!((seconds * 1000.0 - milliseconds as f64).abs() < 0.001, "{id}: {seconds}");
                let timestamp: chrono::DateTime<chrono::Utc> =
                    shown["timestamp"].as_str().and_then(|text| text.parse().ok()).expect("a time");
                assert_eq!(timestamp, rows::time(row, "startTime"), "{id}");
                let (prompt, response) = lengths[id];
                equal("messages_length", prompt.into());
                equal("response_length", response.into());
                let calls = calls_a_tool(row, &named);
                function_calls += usize::from(calls);
                equal("response_type", if calls { "function_call" } else { "regular_response" }.into());
            }
        }
    }
    assert!(function_calls > 100, "{function_calls}");
}

fn has_failed(row: &Value) -> bool {
    row["status"] == "failure" || row["metadata"]["status"] == "failure"
}

/// Role and text of a stored chat message.
fn said(message: &Value) -> (String, Option<String>) {
    let text = match &message["content"] {
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        content => content.as_str().map(str::to_owned),
    };
    (message["role"].as_str().unwrap_or_default().to_owned(), text)
}

/// Role and text of a message of the API.
fn shown(message: &Value) -> (String, Option<String>) {
    (message["role"].as_str().unwrap_or_default().to_owned(), message["text"].as_str().map(str::to_owned))
}

/// The conversation of an ordinary chat session, if it is one: every request succeeded, was stored in full, and began
/// with what the one before it had said and been answered. The last prompt and its answer are then all there is.
fn conversation(requests: &[Value]) -> Option<Vec<(String, Option<String>)>> {
    let prompt = |row: &Value| row["proxy_server_request"]["messages"].as_array().cloned();
    let answer = |row: &Value| match row["response"]["choices"].as_array().map(Vec::as_slice) {
        Some([only]) => Some(only["message"].clone()),
        _ => None,
    };
    for row in requests {
        let text = format!("{} {}", row["proxy_server_request"], row["response"]);
        let stored = row["call_type"] == "acompletion" && !has_failed(row) && answer(row).is_some();
        if !stored || text.contains("redacted-by-litellm") || text.contains("litellm_truncated") {
            return None;
        }
    }
    for pair in requests.windows(2) {
        let (earlier, later) = (prompt(&pair[0])?, prompt(&pair[1])?);
        let repeats = later.starts_with(&earlier) && later.len() > earlier.len();
        if !repeats
            || said(&later[earlier.len()]).1.unwrap_or_default() != said(&answer(&pair[0])?).1.unwrap_or_default()
        {
            return None;
        }
    }
    let last = requests.last()?;
    Some(prompt(last)?.iter().chain([&answer(last)?]).map(said).collect())
}

#[tokio::test]
async fn the_messages_of_an_ordinary_session_are_its_last_prompt_and_the_answer_to_it() {
    let mut compared = 0;
    for release in [Release::V1_80_0, Release::V1_109_1] {
        let app = App::of_release(release).await;
        for (session, requests) in sessions(release) {
            let Some(expected) = conversation(&requests) else { continue };
            let answer = app.get(&path(&session)).await.ok();
            let messages = answer.as_array().into_iter().flatten().filter_map(|request| request["messages"].as_array());
            let messages: Vec<_> = messages.flatten().map(shown).collect();
            // The answer of a tool call may be null where the client sends it back as an empty text.
            let blank = |said: &[(String, Option<String>)]| -> Vec<(String, String)> {
                said.iter().map(|(role, text)| (role.clone(), text.clone().unwrap_or_default())).collect()
            };
            assert_eq!(blank(&messages), blank(&expected), "{session}");
            compared += usize::from(requests.len() > 1);
        }
    }
    assert!(compared > 100, "only {compared} sessions of several requests were ordinary");
}

#[tokio::test]
async fn pages_of_any_size_are_together_the_whole_session() {
    let release = Release::V1_109_1;
    let app = App::of_release(release).await;
    let mut paged = 0;
    for (session, requests) in sessions(release).into_iter().filter(|(_, requests)| requests.len() > 1) {
        let path = path(&session);
        let answer = app.get(&path).await;
        let whole = answer.ok();
        assert_eq!(answer.next(), None, "{session} comes in one piece");
        for limit in [1, 2, 3, 7].into_iter().filter(|limit| *limit < requests.len()) {
            let (items, count) = app.all_pages(&format!("{path}?limit={limit}")).await;
            assert_eq!(count, requests.len().div_ceil(limit), "{session} by {limit}");
            assert!(Value::Array(items) == whole, "{session} by {limit} is not what it is as a whole");
            paged += count;
        }
    }
    assert!(paged > 1_000, "{paged}");
}

/// Why content is not there, or not all, by a look at the row as it is stored.
fn reason(row: &Value) -> Option<&'static str> {
    const REDACTED: &str = "redacted-by-litellm";
    let cut = |text: &str| text.contains("... (litellm_truncated skipped ");
    let response = match &row["response"] {
        Value::Object(map) if map.is_empty() || (has_failed(row) && map.len() == 1) => {
            if has_failed(row) || row["metadata"]["error_information"]["error_class"].is_string() {
                Some("failed_request")
            } else {
                Some("not_stored")
            }
        }
        value if value.to_string().contains(REDACTED) => Some("redacted"),
        value => cut(&value.to_string()).then_some("truncated"),
    };
    let body = ["messages", "input", "prompt", "contents", "system", "instructions"];
    let body = body.map(|key| &row["proxy_server_request"][key]);
    let prompt: String = body.iter().map(ToString::to_string).collect();
    let prompt = match &row["proxy_server_request"] {
        // One request was refused because it had none.
        _ if body.iter().all(|part| part.is_null()) => Some("not_stored"),
        _ if prompt.contains(REDACTED) => Some("redacted"),
        _ => cut(&prompt).then_some("truncated"),
    };
    prompt.or(response)
}

#[tokio::test]
async fn what_is_not_there_says_why() {
    let release = Release::V1_109_1;
    let app = App::of_release(release).await;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (session, requests) in sessions(release) {
        let shown = app.get(&path(&session)).await.ok();
        for (shown, row) in shown.as_array().into_iter().flatten().zip(&requests) {
            // Other APIs have their own words for a prompt.
            if !["acompletion", "anthropic_messages", "aresponses"].iter().any(|kind| row["call_type"] == *kind) {
                continue;
            }
            let reason = reason(row);
            assert_eq!(shown["content_unavailable_reason"].as_str(), reason, "{}", row["request_id"]);
            if reason.is_none() {
                assert_eq!(shown["content_available"], true, "{}", row["request_id"]);
            }
            if row["proxy_server_request"] == serde_json::json!({}) && row["response"] == serde_json::json!({}) {
                assert_eq!(shown["content_available"], false, "{}", row["request_id"]);
                assert_eq!(shown["messages"], serde_json::json!([]), "{}", row["request_id"]);
            }
            *reasons.entry(reason.unwrap_or("complete")).or_default() += 1;
        }
    }
    for kind in ["complete", "not_stored", "redacted", "truncated", "failed_request"] {
        assert!(reasons.get(kind).is_some_and(|count| *count > 10), "{reasons:?}");
    }
}
