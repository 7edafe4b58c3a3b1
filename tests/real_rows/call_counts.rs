//! The number of tool calls of a request is the number that its messages show, or it says that it may not be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::Release;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use sqlx::{Connection, Postgres, QueryBuilder};
use tests::made;
use tests::{App, Database, encode};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_queries::source::RequestSource;

const RESPONSES: usize = 600;

/// What the facts say of each request: its calls, whether they are exact, and the names of the tools.
async fn facts(database: &Database) -> BTreeMap<String, (i64, bool, BTreeSet<String>)> {
    let mut conn = database.connect().await;
    let facts = RequestSource::probe(&mut conn, &NamePaths::default()).await.expect("there is a log");
    let mut sql = QueryBuilder::<Postgres>::new("SELECT f.request_id, f.tool_calls, f.tool_calls_exact, f.tools FROM ");
    let columns = [Fact::RequestId, Fact::ToolCalls, Fact::ToolCallsExact, Fact::Tools];
    facts.push_requests(&mut sql, &columns, Beside::Nothing, RowSelector::All, &Scope::AllRows);
    sql.push(" AS f");
    let rows: Vec<(String, i64, bool, Option<Vec<String>>)> =
        sql.build_query_as().fetch_all(&mut conn).await.expect("the facts are read");
    conn.close().await.expect("closed");
    let of = |(id, calls, exact, tools): (_, _, _, Option<Vec<String>>)| {
        (id, (calls, exact, tools.unwrap_or_default().into_iter().collect()))
    };
    rows.into_iter().map(of).collect()
}

/// The calls that the response's messages show, by the names of their tools.
async fn shown(app: &App, id: &str) -> Vec<String> {
    let request = app.get(&format!("/api/v1/requests/{}/messages", encode(id))).await.ok();
    let messages =
        request["messages"].as_array().expect("a list").iter().filter(|message| message["source"] == "response");
    let calls = messages.filter_map(|message| message["tool_calls"].as_array()).flatten();
    calls.map(|call| call["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_calls_of_every_real_request_are_those_that_its_messages_show() {
    for release in Release::ALL {
        let app = App::in_process(release).await;
        let turn = app.database.exclusively().await;
        let facts = facts(&app.database).await;
        drop(turn);
        let rows: BTreeMap<String, Value> = tests::rows::log(release)
            .into_iter()
            .map(|row| (row["request_id"].as_str().expect("an id").to_owned(), row))
            .collect();
        let mut calls = 0;
        for (place, (id, (count, exact, _))) in facts.into_iter().enumerate() {
            // Requests without calls that are known are many and alike.
            if !exact || count == 0 && place % 4 != 0 {
                continue;
            }
            let of_mcp = rows[&id]["call_type"] == "call_mcp_tool";
            let shown = if of_mcp { 1 } else { shown(&app, &id).await.len() };
            assert_eq!(count, shown as i64, "{id}");
            calls += count;
        }
        assert!(calls > 0, "{release:?}");
    }
}

fn any_of(values: Vec<Value>) -> impl Strategy<Value = Value> + Clone {
    prop::sample::select(values)
}

/// What is no call, and stands where one should.
fn junk() -> impl Strategy<Value = Value> + Clone {
    let call = json!({"id": "c1", "type": "function", "function": {"name": "no"}});
    any_of(vec![
        Value::Null,
        json!(1),
        json!("text"),
        json!([]),
        json!({}),
        json!([{"type": "tool_use", "name": "no"}]),
        json!([call]),
        json!([{"type": "function_call", "name": "no"}]),
        json!({"type": "text", "text": "hello"}),
        json!({"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "tool_use", "name": "no"}]}),
        json!({"type": "function_call_output", "call_id": "c1", "output": [{"type": "tool_use", "name": "no"}]}),
        json!({"type": "message", "role": "assistant", "content": [{"type": "tool_use", "name": "no"}]}),
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}),
    ])
}

fn calls() -> impl Strategy<Value = Value> + Clone {
    any_of(vec![
        json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}),
        json!({"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select"}}),
        json!({"id": "c3", "function": {"name": ""}}),
        json!({"id": 4, "name": "bare"}),
        json!({"type": "tool_use", "id": "c1", "name": "t", "input": {"type": "function_call"}}),
        json!({"type": "server_tool_use", "id": "c2", "name": "web_search"}),
        json!({"type": "mcp_tool_use", "name": "m"}),
        json!({"functionCall": {"name": "g", "args": {}}, "text": "beside it"}),
        json!({"function_call": {"name": "h"}}),
        json!({"toolUse": {"toolUseId": "c5", "name": "top_song", "input": {}}}),
        json!({"toolUse": "none"}),
        json!({"type": "function_call", "id": "i1", "name": "w", "arguments": "{}"}),
        json!({"type": "local_shell_call", "id": "i2", "action": {"command": ["ls"]}}),
        json!({"type": "image_generation_call", "id": "i3", "result": "aGk="}),
        json!({"type": "a_call_of_tomorrow_call", "id": "i4"}),
        json!({"type": "web_search_call", "id": "c1", "action": {"query": "q"}}),
        json!({"type": "custom_tool_call", "call_id": "c9", "name": "phone_call", "input": "x"}),
    ])
}

/// A list as one of the places for calls may have it.
fn list() -> impl Strategy<Value = Value> + Clone {
    let item = prop_oneof![3 => calls(), 1 => junk()];
    prop_oneof![5 => prop::collection::vec(item, 0..4).prop_map(Value::from), 1 => junk(), 1 => calls()]
}

fn message() -> impl Strategy<Value = Value> + Clone {
    let keys = prop::sample::subsequence(vec!["tool_calls", "function_call", "content", "provider", "role"], 0..=5);
    let fields = (list(), list())
        .prop_map(|(calls, searches)| json!({"server_tool_calls": calls, "web_search_calls": searches}));
    (keys, list(), prop_oneof![calls(), junk()], list(), fields).prop_map(|(keys, tools, function, content, fields)| {
        let value = |key: &str| match key {
            "tool_calls" => tools.clone(),
            "function_call" => function.clone(),
            "content" => content.clone(),
            "provider" => fields.clone(),
            _ => json!("assistant"),
        };
        let name = |key: &str| if key == "provider" { "provider_specific_fields" } else { key }.to_owned();
        Value::Object(keys.into_iter().map(|key| (name(key), value(key))).collect())
    })
}

fn event() -> impl Strategy<Value = Value> + Clone {
    let types = vec![
        "response.done",
        "response.completed",
        "response.created",
        "response.output_item.done",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.created",
        "session.created",
    ];
    let item = prop_oneof![4 => calls(), 1 => junk()];
    (prop::sample::select(types), list(), item)
        .prop_map(|(kind, output, item)| json!({"type": kind, "response": {"output": output}, "item": item}))
}

fn response() -> impl Strategy<Value = Value> + Clone {
    let choices = prop::collection::vec(message().prop_map(|message| json!({"message": message})), 0..3);
    let some = prop_oneof![
        4 => choices.prop_map(|choices| json!({"choices": choices})),
        1 => junk().prop_map(|junk| json!({"choices": [junk, {"message": junk}]})),
        3 => list().prop_map(|list| json!({"output": list})),
        1 => list().prop_map(|list| json!({"output": {"message": {"role": "assistant", "content": list, "tool_calls": list}}})),
        2 => list().prop_map(|list| json!({"candidates": [{"content": {"parts": list}}, {"content": null}]})),
        1 => list().prop_map(|list| json!({"steps": list})),
        1 => list().prop_map(|list| json!({"outputs": list, "steps": null})),
        1 => message().prop_map(|message| json!({"message": message})),
        2 => message(),
        3 => (prop::collection::vec(event(), 1..5), list()).prop_map(|(events, calls)| json!({"results": events, "tool_calls": calls})),
        1 => list().prop_map(|list| json!({"result": {"parts": list}})),
        1 => list().prop_map(|list| json!({"data": list, "text": "said"})),
        1 => list(),
    ];
    // Two shapes in one, which LiteLLM does not store.
    let merged = prop_oneof![
        6 => some.clone(),
        1 => (some.clone(), some).prop_map(|(one, other)| match (one, other) {
            (Value::Object(one), Value::Object(other)) => Value::Object(one.into_iter().chain(other).collect::<Map<_, _>>()),
            (one, _) => one,
        }),
    ];
    (merged, 0..20_u8).prop_map(|(response, envelope)| match envelope {
        0 => json!({"response": response.to_string()}),
        1 => json!(response.to_string()),
        2 => json!({"response": response}),
        3 => json!({"response": format!("event: x\ndata: {response}\n\n")}),
        4 => json!({"text": json!({"response": response.to_string()}).to_string()}),
        _ => response,
    })
}

#[tokio::test]
async fn the_calls_of_any_response_are_those_that_its_messages_show_or_are_not_exact() {
    let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    let mut runner = TestRunner::deterministic();
    let strategy = response();
    let call_types =
        ["acompletion", "aresponses", "pass_through_endpoint", "_arealtime", "aembedding", "list_mcp_tools", ""];
    let rows: Vec<Value> = (0..RESPONSES)
        .map(|place| {
            let response = strategy.new_tree(&mut runner).expect("a response").current();
            let call_type = call_types[place % call_types.len()];
            let start = noon - TimeDelta::seconds(i64::try_from(place).expect("a small number"));
            made::row(&format!("r{place}"), start, json!({"call_type": call_type, "response": response}))
        })
        .collect();
    let database = made::database("call_counts", &rows).await;
    let facts = facts(&database).await;
    let app = App::over(database, noon + TimeDelta::hours(1), &[]);
    let (mut exact_calls, mut inexact) = (0, 0);
    let mut wrong = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let id = format!("r{place}");
        let (count, exact, tools) = &facts[&id];
        let shown = shown(&app, &id).await;
        if !exact {
            inexact += 1;
            continue;
        }
        exact_calls += count;
        let names: BTreeSet<String> = shown.iter().filter(|name| !name.is_empty()).cloned().collect();
        if *count != shown.len() as i64 || *tools != names {
            wrong.push(json!([row["call_type"], row["response"], count, tools, shown]));
        }
    }
    let message = wrong.iter().take(5).map(Value::to_string).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {RESPONSES}:\n{message}", wrong.len());
    assert!(exact_calls > 200, "{exact_calls} calls were counted");
    assert!(inexact < RESPONSES / 3, "{inexact} are not exact");
}
