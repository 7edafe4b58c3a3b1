//! Tool calls in a stored response, counted by walking through it.

use std::collections::BTreeSet;

use serde_json::Value;

/// The number of calls in the response, wherever its shape keeps them.
pub fn calls_in(response: &Value) -> i64 {
    let mut calls = 0;
    for choice in items(&response["choices"]) {
        let message = &choice["message"];
        calls += objects(&message["tool_calls"]) + i64::from(message["function_call"].is_object());
    }
    calls += super::count(&items(&response["output"]).iter().filter(|item| is_item_call(item)).collect::<Vec<_>>());
    calls += of_types(&response["content"], &["tool_use", "server_tool_use", "mcp_tool_use"]);
    calls += objects(&response["tool_calls"]);
    for candidate in items(&response["candidates"]) {
        for part in items(&candidate["content"]["parts"]) {
            calls += i64::from(part["functionCall"].is_object());
        }
    }
    calls
}

/// The distinct names of the called tools, wherever the response's shape keeps them.
pub fn names_in(response: &Value) -> BTreeSet<String> {
    let mut names: Vec<&Value> = Vec::new();
    for choice in items(&response["choices"]) {
        let message = &choice["message"];
        names.extend(items(&message["tool_calls"]).iter().map(|call| &call["function"]["name"]));
        names.push(&message["function_call"]["name"]);
    }
    let called = |list, types: &'static [&str]| {
        let is_call = |item: &&Value| item["type"].as_str().is_some_and(|name| types.contains(&name));
        items(list).iter().filter(is_call).map(|item| &item["name"])
    };
    names.extend(items(&response["output"]).iter().filter(|item| is_item_call(item)).map(|item| &item["name"]));
    names.extend(called(&response["content"], &["tool_use", "server_tool_use", "mcp_tool_use"]));
    names.extend(items(&response["tool_calls"]).iter().flat_map(|call| [&call["function"]["name"], &call["name"]]));
    for candidate in items(&response["candidates"]) {
        names.extend(items(&candidate["content"]["parts"]).iter().map(|part| &part["functionCall"]["name"]));
    }
    names.into_iter().filter_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whether nothing of the response's content is left in the row.
pub fn is_blank(response: &Value) -> bool {
    response.is_null()
        || response.as_object().is_some_and(serde_json::Map::is_empty)
        || *response == serde_json::json!({"text": "redacted-by-litellm"})
}

/// Whether an item of the Responses API is a call: `function_call`, `web_search_call` and others.
fn is_item_call(item: &Value) -> bool {
    item["type"].as_str().is_some_and(|name| name.ends_with("_call"))
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
