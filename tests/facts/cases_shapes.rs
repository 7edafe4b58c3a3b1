//! Shapes of requests and responses that people reported: each reads as the conversation that it is, and the calls that the
//! messages show are the calls that are counted.

use std::sync::Arc;

use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sqlx::Connection;
use tests::{App, Database, encode};
use tokio::sync::OnceCell;

const CASES: [&str; 16] = [
    include_str!("../fixtures/cases/02-responses-websocket.sql"),
    include_str!("../fixtures/cases/03-responses-tool-kinds.sql"),
    include_str!("../fixtures/cases/05-pass-through-json-text.sql"),
    include_str!("../fixtures/cases/07-bedrock-converse.sql"),
    include_str!("../fixtures/cases/08-gemini-interactions.sql"),
    include_str!("../fixtures/cases/11-double-encoded-response.sql"),
    include_str!("../fixtures/cases/12-batch-rows.sql"),
    include_str!("../fixtures/cases/13-mcp-errors.sql"),
    include_str!("../fixtures/cases/14-guardrail-blocked.sql"),
    include_str!("../fixtures/cases/15-realtime-ga-items.sql"),
    include_str!("../fixtures/cases/17-autorouter-classifier.sql"),
    include_str!("../fixtures/cases/19-further-call-types.sql"),
    include_str!("../fixtures/cases/31-codex-multi-turn.sql"),
    include_str!("../fixtures/cases/34-n-and-custom-tools.sql"),
    include_str!("../fixtures/cases/35-nasty-text.sql"),
    include_str!("../fixtures/cases/39-merged-tool-calls.sql"),
];

async fn app() -> App {
    static DATABASE: OnceCell<Arc<Database>> = OnceCell::const_new();
    let database = DATABASE.get_or_init(|| async {
        let database = Database::empty("cases_shapes").await;
        let mut conn = database.connect().await;
        fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
        for case in CASES {
            sqlx::raw_sql(case).execute(&mut conn).await.expect("the case loads");
        }
        conn.close().await.expect("closed");
        Arc::new(database)
    });
    App::over(Arc::clone(database.await), "2026-11-26T12:00:00Z".parse().expect("a time"), &[])
}

/// A session as it reads: each message as `role: text` with its calls, as far as it is new.
async fn transcript(app: &App, session: &str) -> Vec<String> {
    let requests = app.get(&format!("/api/v1/sessions/{}/messages", encode(session))).await.ok();
    let messages = requests.as_array().expect("a list").iter().filter_map(|request| request["messages"].as_array());
    messages.flatten().map(line).collect()
}

fn line(message: &Value) -> String {
    let call = |call: &Value| {
        let arguments = call.get("arguments_text").unwrap_or(&call["arguments"]);
        format!(" {}({arguments})", call["name"].as_str().expect("a name"))
    };
    let calls: String = message["tool_calls"].as_array().into_iter().flatten().map(call).collect();
    format!("{}: {}{calls}", message["role"].as_str().expect("a role"), message["text"].as_str().unwrap_or("-"))
}

async fn counted(app: &App, session: &str) -> (i64, bool) {
    let summary = app.get(&format!("/api/v1/sessions/{}/summary", encode(session))).await.ok();
    (
        summary["function_calls_count"].as_i64().expect("a number"),
        summary["function_calls_exact"].as_bool().expect("a flag"),
    )
}

#[tokio::test]
async fn reported_shapes_read_as_conversations_and_their_calls_are_counted() {
    let app = app().await;
    let transcripts: [(&str, &[&str]); 13] = [
        ("codex-ws-1", &[r#"assistant: - shell({"command":["ls"]})"#, "assistant: There are three files."]),
        ("codex-ws-2", &[]),
        ("pt-1", &["user: refund order 7", r#"assistant: - search_orders({"id":7}) refund({"id":7})"#]),
        ("pt-2", &["user: Most popular song on WZPZ?", r#"assistant: Let me check. top_song({"sign":"WZPZ"})"#]),
        (
            "bedrock-1",
            &[
                "system: You are a radio assistant.",
                "user: What is the most popular song on WZPZ this week?",
                r#"assistant: I will look it up for the station. top_song({"sign":"WZPZ"})"#,
                r#"tool: {"artist":"8 Storey Hike","song":"Elemental Hotel"}"#,
                "assistant: It is Elemental Hotel by 8 Storey Hike.",
            ],
        ),
        (
            "inter",
            &[
                "user: Weather in Oslo?",
                r#"assistant: - get_weather({"city":"Oslo"})"#,
                r#"tool: {"temp":-4}"#,
                "assistant: It is cold in Oslo.",
            ],
        ),
        ("de", &["user: what llm are you", r#"assistant: - lookup({"q":1})"#]),
        ("rt-ga", &["user: A table for four please.", "event: -", "assistant: Booked."]),
        (
            "nn",
            &[
                "user: pick",
                "assistant: - a({})",
                r#"assistant: - b({}) sql("select 1")"#,
                "tool: B",
                "tool: 1",
                "assistant: done",
            ],
        ),
        (
            "mcp-1",
            &[r#"assistant: - lookup({"NOT_a_real_arg":"x"})"#, "tool: Error: validation failed for NOT_a_real_arg"],
        ),
        ("mcp-3", &[r#"assistant: - made_up({"a":1})"#]),
        ("gr-1", &["user: my secret is 1"]),
        (
            "oll",
            &[
                "user: read both",
                r#"assistant:  read("{\"path\": \"a.rs\"}{\"path\": \"b.rs\"}")"#,
                "tool: fn main(){}",
            ],
        ),
    ];
    for (session, expected) in transcripts {
        assert_eq!(transcript(&app, session).await, expected, "{session}");
    }
    let codex = transcript(&app, "019a-codex").await;
    assert_eq!(codex.len(), 11, "{codex:#?}");

    let calls = [
        ("codex-ws-1", 1),
        ("codex-1", 8),
        ("bedrock-1", 1),
        ("inter", 1),
        ("rt-ga", 0),
        ("nn", 3),
        ("mcp-1", 1),
        ("batch_abc", 0),
        ("019a-codex", 2),
        ("txt", 0),
        ("oll", 1),
    ];
    for (session, count) in calls {
        assert_eq!(counted(&app, session).await, (count, true), "{session}");
    }
    for (session, count) in [("pt-1", 2), ("pt-2", 1), ("de", 1)] {
        assert_eq!(counted(&app, session).await, (count, false), "{session} is a text");
    }
    assert_eq!(counted(&app, "codex-ws-2").await, (0, false), "not stored");
}

#[tokio::test]
async fn every_kind_of_call_is_named() {
    let app = app().await;
    let tools = app.get("/api/v1/analytics/tools?days=30").await.ok();
    let mut names: Vec<&str> =
        tools.as_array().expect("a list").iter().filter_map(|tool| tool["tool_name"].as_str()).collect();
    names.sort_unstable();
    let expected = [
        "a",
        "apply_patch",
        "b",
        "code_interpreter",
        "computer",
        "crm/lookup",
        "exec",
        "get_weather",
        "local_shell",
        "lookup",
        "read",
        "refund",
        "search_orders",
        "shell",
        "shell_command",
        "sql",
        "top_song",
        "web_search",
    ];
    assert_eq!(names, expected);

    let result = app.get("/api/v1/requests/chatcmpl-bd2/messages").await.ok();
    let of_tool = result["messages"].as_array().expect("a list").iter().find(|message| message["role"] == "tool");
    assert_eq!(of_tool.expect("a result")["name"], "top_song");
    let results = app.get("/api/v1/requests/n2/messages").await.ok();
    let names: Vec<&Value> =
        results["messages"].as_array().expect("a list").iter().map(|message| &message["name"]).collect();
    assert_eq!(names[2..4], [&json!("b"), &json!("sql")]);
}

#[tokio::test]
async fn each_call_type_is_readable() {
    let app = app().await;
    for number in 1..=9 {
        let id = format!("19000000-0000-4000-8000-{number:012}");
        let request = app.get(&format!("/api/v1/requests/{id}/messages")).await.ok();
        assert_eq!(request["content_available"], true, "{id}");
        assert_eq!(request["response_availability"]["content_available"], true, "{id}");
        let said =
            request["messages"].as_array().expect("a list").iter().filter(|message| message["source"] == "response");
        assert!(said.count() > 0, "{id}");
        let detail = app.get(&format!("/api/v1/requests/{id}")).await.ok();
        assert_eq!(detail["function_calls_count"], 0, "{id}");
    }
    let nasty = app.get("/api/v1/requests/u1/messages").await.ok();
    assert_eq!(nasty["messages"][0]["text"], nasty["messages"][1]["text"]);
}
