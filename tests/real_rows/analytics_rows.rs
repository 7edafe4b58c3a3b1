//! Users, response times, errors, tools and sessions are what a look at every row says.

use local::fixtures::Release;
use serde_json::{Value, json};
use tests::App;
use traceability_core::name_paths::NamePaths;

use super::analytics::{DIMENSIONS, ask, bounded, questions, sorted};
use tests::expected::figures as expected;
use tests::expected::histograms::histograms;
use tests::expected::{Dice, Filter, Log, Row, assert_same};
use tests::made::{self, Scratch};

/// A list without the labels, which are in tables of their own.
fn without_labels(list: &[Value], dimension: &str) -> Value {
    let strip = |item: &Value| {
        let mut item = item.clone();
        let label = item.as_object_mut().expect("an object").remove("label").expect("a label or null");
        assert!(label.is_null() || ["team", "key"].contains(&dimension), "{dimension} has a label: {label}");
        item
    };
    list.iter().map(strip).collect()
}

async fn check_latency(app: &App, rows: &[&Row], filter: &Filter, dimension: Option<&str>) {
    let more: Vec<(&str, &str)> = dimension.map(|dimension| ("group_by", dimension)).into_iter().collect();
    let list = sorted(&ask(app, "latency", filter, &more).await, &["total_requests"], &["category"]);
    let what = format!("{dimension:?} {filter:?}");
    let list = without_labels(&list, dimension.unwrap_or("all"));
    assert_same(&list, &Value::from(expected::latency(rows, dimension)), &what);
}

#[tokio::test]
async fn users_errors_tools_and_times_are_what_a_look_at_every_row_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        for filter in questions(log, &mut Dice(11)) {
            let (what, rows) = (format!("{filter:?}"), log.matching(&bounded(&app, &filter)));
            let users = sorted(&ask(&app, "users", &filter, &[]).await, &["total_requests"], &["user_id"]);
            assert_same(&Value::from(users), &Value::from(expected::users(&rows)), &what);
            let errors = ask(&app, "errors", &filter, &[]).await;
            let errors = sorted(&errors, &["failed_requests"], &["error_class", "model"]);
            assert_same(&Value::from(errors), &Value::from(expected::errors(&rows)), &what);
            let tools = sorted(&ask(&app, "tools", &filter, &[]).await, &["total_requests"], &["tool_name"]);
            assert_same(&Value::from(tools), &Value::from(expected::tools(&rows)), &what);
            check_latency(&app, &rows, &filter, None).await;
        }
        let all = Filter::default();
        let rows = log.matching(&bounded(&app, &all));
        for dimension in DIMENSIONS {
            check_latency(&app, &rows, &all, Some(dimension)).await;
        }
    }
}

#[tokio::test]
async fn sessions_are_distributed_as_a_look_at_every_session_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        let mut counted = 0;
        for filter in questions(log, &mut Dice(13)) {
            let found = ask(&app, "sessions", &filter, &[]).await;
            assert_same(&found, &histograms(log, &bounded(&app, &filter)), &format!("{filter:?}"));
            let sessions = found["sessions"].as_u64().expect("a number");
            for total in ["cost", "duration_seconds", "requests"] {
                let buckets = found[total]["buckets"].as_array().expect("buckets");
                let sum: u64 = buckets.iter().map(|bucket| bucket["sessions"].as_u64().expect("a number")).sum();
                assert_eq!(sum, sessions, "{total} of {filter:?}");
            }
            counted += sessions;
        }
        assert!(counted > 20, "{release:?} has sessions to look at");
    }
}

#[tokio::test]
async fn sessions_at_the_borders_of_the_window_and_of_ranges_are_in_one_range() {
    let noon: chrono::DateTime<chrono::Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    let minutes = |minutes| noon + chrono::TimeDelta::minutes(minutes);
    let row = |id: &str, session: &str, minute, spend: f64| {
        made::row(id, minutes(minute), json!({"session_id": session, "spend": spend}))
    };
    let rows = [
        // Began before the window, goes on in it.
        row("a1", "a", -1, 1.0),
        row("a2", "a", 1, 1.0),
        // Begins with the window, for nothing.
        row("b1", "b", 0, 0.0),
        // Goes on after the window, and costs what is a border.
        row("c1", "c", 59, 0.001),
        row("c2", "c", 61, 0.001),
        // Begins where the window ends.
        row("d1", "d", 60, 1.0),
        row("e1", "e", 30, 5000.0),
    ];
    let app = App::over(made::database("session_borders", &rows).await, minutes(120), &[]);
    let found =
        app.get("/api/v1/analytics/sessions?start_date=2026-11-20T12:00:00Z&end_date=2026-11-20T13:00:00Z").await;
    let found = found.ok();
    assert_eq!(found["sessions"], 3);
    let ranges = |total: &str| -> Vec<Value> {
        let buckets = found[total]["buckets"].as_array().expect("buckets");
        buckets.iter().filter(|bucket| bucket["sessions"] != 0).cloned().collect()
    };
    let range = |from: f64, to: Value, sessions: u64| json!({"from": from, "to": to, "sessions": sessions});
    let costs = [range(0.0, json!(0.0), 1), range(0.002, json!(0.005), 1), range(5000.0, Value::Null, 1)];
    assert_eq!(ranges("cost"), costs);
    assert_eq!(ranges("requests"), [range(1.0, json!(2.0), 2), range(2.0, json!(5.0), 1)]);
    assert_eq!(ranges("duration_seconds"), [range(1.0, json!(2.0), 2), range(100.0, json!(200.0), 1)]);
}

#[tokio::test]
async fn the_names_of_called_tools_come_from_the_index_and_from_any_shape_of_response() {
    let call = |name: &str| json!({"id": "c", "function": {"name": name, "arguments": "{}"}});
    let shapes = [
        ("chat", json!({"response": {"choices": [{"message": {"tool_calls": [call("b"), call("a"), call("b")]}}]}})),
        (
            "function",
            json!({"response": {"choices": [{"message": {"function_call": {"name": "f"}}}, {"message": null}]}}),
        ),
        ("responses", json!({"response": {"output": [{"type": "function_call", "name": "r"}, {"type": "message"}]}})),
        ("anthropic", json!({"response": {"content": [{"type": "tool_use", "name": "t"}, {"type": "text"}]}})),
        ("gemini", json!({"response": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "g"}}]}}]}})),
        ("realtime", json!({"response": {"tool_calls": [call("live")]}})),
        ("none", json!({"response": {"choices": [{"message": {"tool_calls": null}}]}})),
        ("nameless", json!({"response": {"choices": [{"message": {"tool_calls": [{"function": {"name": ""}}, 5]}}]}})),
        ("unstored", json!({})),
        ("embedding", json!({"call_type": "aembedding", "response": {"data": []}})),
        ("mcp", json!({"call_type": "call_mcp_tool", "mcp_namespaced_tool_name": "server/tool"})),
        ("logged", json!({"call_type": "call_mcp_tool", "metadata": {"mcp_tool_call_metadata": {"name": "tool"}}})),
    ];
    let noon = "2026-11-20T12:00:00Z".parse().expect("a time");
    let rows: Vec<Value> = shapes.iter().map(|(id, fields)| made::row(id, noon, fields.clone())).collect();
    let mut scratch = Scratch::new("tool_names").await;
    made::create_tables(&mut scratch.conn, 12).await;
    made::insert(&mut scratch.conn, &rows).await;
    let read = |facts: &std::collections::BTreeMap<String, Value>| -> Vec<Value> {
        shapes.iter().map(|(id, _)| facts[*id]["tools"].clone()).collect()
    };
    let null = Value::Null;
    let mut expected = vec![
        json!(["a", "b"]),
        json!(["f"]),
        json!(["r"]),
        json!(["t"]),
        json!(["g"]),
        json!(["live"]),
        null.clone(),
        null.clone(),
        null.clone(),
        null,
        json!(["server/tool"]),
        json!(["tool"]),
    ];
    assert_eq!(read(&scratch.facts(&NamePaths::default()).await), expected);
    scratch
        .run(
            r#"CREATE TABLE "LiteLLM_SpendLogToolIndex"
                   (request_id text, tool_name text, start_time timestamp(3), PRIMARY KEY (request_id, tool_name));
               INSERT INTO "LiteLLM_SpendLogToolIndex"
               SELECT id, tool, now() FROM unnest(ARRAY['chat', 'unstored']) AS id, unnest(ARRAY['z', 'y']) AS tool"#,
        )
        .await;
    expected[0] = json!(["a", "b", "y", "z"]);
    expected[8] = json!(["y", "z"]);
    assert_eq!(read(&scratch.facts(&NamePaths::default()).await), expected);
}
