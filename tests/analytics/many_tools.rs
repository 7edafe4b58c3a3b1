//! One request that calls thousands of tools.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::index;
use tests::made;

const TOOLS: &str = "/api/v1/analytics/tools";

/// The calls of tools with these numbers, as a response.
fn calling(tools: impl Iterator<Item = usize>) -> Value {
    let calls: Vec<_> = tools
        .map(|tool| {
            json!({"id": format!("call_{tool}"), "type": "function",
                           "function": {"name": format!("tool-{tool:04}"), "arguments": "{}"}})
        })
        .collect();
    json!({"choices": [{"message": {"role": "assistant", "content": null, "tool_calls": calls}}]})
}

/// Also where another request of its session is rolled up and has as many.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn one_request_with_thousands_of_tools_is_counted_like_any_other() {
    let now = Utc::now();
    let start = now - TimeDelta::hours(2);
    let in_session = |id: &str, start, tools: std::ops::Range<usize>| {
        made::row(id, start, json!({"session_id": "many", "response": calling(tools)}))
    };
    // The last quarter of an hour is not rolled up.
    let mut rows = vec![in_session("many", start, 0..8_000), in_session("late", now, 1..8_001)];
    for place in 0..30 {
        let start = start + TimeDelta::minutes(1);
        rows.push(made::row(&format!("few-{place}"), start, json!({"response": calling(place..place + 3)})));
    }
    // Requests and sessions by tool.
    let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for tool in (0..8_000).chain(1..8_001).chain((0..30).flat_map(|place| place..place + 3)) {
        let (requests, sessions) = expected.entry(format!("tool-{tool:04}")).or_default();
        (*requests, *sessions) = (*requests + 1, *sessions + 1);
    }
    for tool in 1..8_000 {
        expected.get_mut(&format!("tool-{tool:04}")).expect("it was called").1 -= 1;
    }
    let database = made::database("many_tools", &rows).await;
    index::fill(&database).await;
    for settings in [&[("INDEX", "off")][..], &[]] {
        // As it is deployed: a statement has 4 s.
        let app = tests::faults::api_at(database.url(), settings);
        let answer = app.get(&format!("{TOOLS}?details=true&exact=true")).await.ok();
        let shown = answer.as_array().expect("a list");
        assert_eq!(shown.len(), 1_000, "{settings:?}");
        for tool in shown {
            let name = tool["tool_name"].as_str().expect("a name");
            let (requests, sessions) = expected[name];
            assert_eq!(tool["total_requests"], requests, "{settings:?}: {name}");
            assert_eq!(tool["unique_sessions"], sessions, "{settings:?}: {name}");
            assert_eq!(tool["p50_response_time"], 1.0, "{settings:?}: {name}");
        }
    }
}
