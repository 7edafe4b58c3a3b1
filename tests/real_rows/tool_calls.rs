//! Tool calls are counted as calls, not as rows that mention them.

use local::fixtures::Release;
use serde_json::json;
use tests::App;
use tests::expected::{Log, tools};

/// The path of a request.
fn request_path(id: &str) -> String {
    let mut url = url::Url::parse("http://localhost/api/v1/requests").expect("a URL");
    url.path_segments_mut().expect("a path").push(id);
    url.path().to_owned()
}

#[tokio::test]
async fn the_calls_of_every_calling_request_are_counted() {
    for release in Release::ALL {
        let log = Log::of(release);
        let app = App::of_release(release).await;
        // Rows with calls, and a sample of those without.
        let mut checked = 0;
        for (place, row) in log.rows.iter().enumerate() {
            if row.calls > 0 && (row.calls > 1 || place % 5 == 0) || place % 60 == 0 {
                let detail = app.get(&request_path(&row.request_id)).await.ok();
                assert_eq!(detail["function_calls_count"], row.calls, "{}", row.request_id);
                checked += 1;
            }
        }
        assert!(checked > 3, "{release:?} has requests to look at");
    }
}

#[tokio::test]
async fn the_calls_of_all_rows_sum_to_the_overview_and_to_the_sessions() {
    for release in Release::ALL {
        let total: i64 = Log::of(release).rows.iter().map(|row| row.calls).sum();
        assert!(total > 0, "{release:?} has tool calls");
        let app = App::of_release(release).await;
        let overview = app.get("/api/v1/analytics/overview?days=365").await.ok();
        assert_eq!(overview["total_function_calls"], total, "{release:?}");
        let (sessions, _) = app.all_pages("/api/v1/sessions?limit=1000").await;
        let calls = sessions.iter().map(|session| session["function_calls_count"].as_i64().expect("a number"));
        assert_eq!(calls.sum::<i64>(), total, "{release:?}");
    }
}

#[test]
fn the_real_rows_have_every_kind_of_call() {
    let old = Log::of(Release::V1_61_20);
    assert!(old.rows.iter().any(|row| row.calls > 1), "several calls in one response");
    let new = Log::of(Release::V1_109_1);
    assert!(new.rows.iter().any(|row| row.calls > 1 && row.calls_exact), "several calls in one response");
    assert!(new.rows.iter().any(|row| row.calls > 0 && !row.calls_exact), "calls known from the tool index only");
    assert!(new.rows.iter().any(|row| row.call_type.as_deref() == Some("call_mcp_tool")), "MCP calls");
    let responses = |row: &&tests::expected::Row| row.call_type.as_deref() == Some("aresponses");
    assert!(new.rows.iter().filter(responses).any(|row| row.calls > 0), "calls of the Responses API");
}

#[test]
fn the_independent_count_knows_each_shape() {
    let call = json!({"id": "c", "function": {"name": "f", "arguments": "{}"}});
    for (response, calls) in [
        (json!({"choices": [{"message": {"tool_calls": [call, call]}}, {"message": {"tool_calls": null}}]}), 2),
        (json!({"choices": [{"message": {"function_call": {"name": "f"}, "tool_calls": null}}]}), 1),
        (json!({"output": [{"type": "function_call"}, {"type": "message"}, {"type": "mcp_call"}]}), 2),
        (json!({"content": [{"type": "text"}, {"type": "tool_use"}]}), 1),
        (json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}, {"text": "x"}]}}]}), 1),
        (json!({"choices": "tool_calls"}), 0),
        (json!([{"name": "tool_calls"}]), 0),
    ] {
        assert_eq!(tools::calls_in(&response), calls, "{response}");
    }
}
