//! Tool calls in a stored response, counted by walking through it.

use serde_json::Value;

/// The number of calls in the response, wherever its shape keeps them.
pub fn calls_in(response: &Value) -> i64 {
    let mut calls = 0;
    for choice in items(&response["choices"]) {
        let message = &choice["message"];
        calls += objects(&message["tool_calls"]) + i64::from(message["function_call"].is_object());
    }
    calls += of_types(&response["output"], &["function_call", "mcp_call", "custom_tool_call"]);
    calls += of_types(&response["content"], &["tool_use", "server_tool_use", "mcp_tool_use"]);
    calls += objects(&response["tool_calls"]);
    for candidate in items(&response["candidates"]) {
        for part in items(&candidate["content"]["parts"]) {
            calls += i64::from(part["functionCall"].is_object());
        }
    }
    calls
}

/// Whether nothing of the response's content is left in the row.
pub fn is_blank(response: &Value) -> bool {
    response.is_null()
        || response.as_object().is_some_and(serde_json::Map::is_empty)
        || *response == serde_json::json!({"text": "redacted-by-litellm"})
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn objects(list: &Value) -> i64 {
    items(list).iter().map(|item| i64::from(item.is_object())).sum()
}

fn of_types(list: &Value, types: &[&str]) -> i64 {
    let is_call = |item: &&Value| item["type"].as_str().is_some_and(|name| types.contains(&name));
    super::count(&items(list).iter().filter(is_call).collect::<Vec<_>>())
}
