//! Who made a request, and what is doubtful about its row: on the request, as a filter, and counted in the report; from the
//! log and over an index.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Postgres, QueryBuilder};
use tests::database::is_native;
use tests::expected::Money;
use tests::made::{self, Scratch};
use tests::{App, Database, encode, index};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_queries::source::RequestSource;

/// Rows that LiteLLM wrote in cases that its users reported; where each comes from stands at its top.
const CASES: [&str; 3] = [
    include_str!("../fixtures/cases/12-batch-rows.sql"),
    include_str!("../fixtures/cases/17-autorouter-classifier.sql"),
    include_str!("../fixtures/cases/36-bridged-responses-twice.sql"),
];

fn noon() -> DateTime<Utc> {
    "2026-11-25T12:00:00Z".parse().expect("a time")
}

/// A request, and how it should be marked.
struct Case {
    id: &'static str,
    fields: Value,
    origin: &'static str,
    doubts: &'static [&'static str],
}

const fn case(id: &'static str, fields: Value, origin: &'static str, doubts: &'static [&'static str]) -> Case {
    Case { id, fields, origin, doubts }
}

fn by_origin() -> Vec<Case> {
    let poll = |spend: f64| json!({"call_type": "aget_responses", "spend": spend});
    let batch = |spend: f64| json!({"call_type": "aretrieve_batch", "spend": spend});
    let internal = |origin: Value| json!({"internal_call_origin": origin});
    let health = "litellm-internal-health-check";
    let health_hash = "2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a";
    vec![
        case("plain", json!({"metadata": internal(Value::Null)}), "user", &[]),
        case("empty-origin", json!({"metadata": internal(json!(""))}), "user", &[]),
        case("text-metadata", json!({"metadata": "internal_call_origin"}), "user", &[]),
        case("list-metadata", json!({"metadata": ["internal_call_origin"]}), "user", &[]),
        case("shadow", json!({"metadata": internal(json!("shadow_eval_router"))}), "internal", &[]),
        case("odd-origin", json!({"metadata": internal(json!({"by": 1}))}), "internal", &[]),
        case("health-key", json!({"api_key": health}), "internal", &[]),
        case("health-hash", json!({"api_key": health_hash}), "internal", &[]),
        case("health-team", json!({"team_id": health}), "internal", &[]),
        case("null-team", json!({"team_id": null, "api_key": ""}), "user", &[]),
        case("poll", poll(0.0), "read", &[]),
        case("charged-poll", poll(0.25), "read", &["charged_read"]),
        case("failed-poll", json!({"call_type": "aget_responses", "spend": 0.0, "status": "failure"}), "read", &[]),
        case("tools", json!({"call_type": "list_mcp_tools", "spend": 0.0}), "read", &[]),
        case("file", json!({"call_type": "afile_content", "spend": 0.0}), "read", &[]),
        case("gemini", json!({"call_type": "agenerate_content"}), "user", &[]),
        case("batch", batch(0.0), "read", &[]),
        case("batch-done", batch(0.5), "user", &[]),
        // What LiteLLM's poller writes: the only row with the cost of a caller's request.
        case(
            "resp_1_background_cost",
            json!({"call_type": "aget_responses", "metadata": internal(json!("responses_cost_check"))}),
            "user",
            &[],
        ),
        case("v_video_cost", json!({"call_type": "avideo_retrieve"}), "user", &[]),
        case("g_guardrail_cost", json!({"metadata": internal(json!("guardrail"))}), "user", &[]),
        case("not_at_the_end_batch_cost_1", json!({"call_type": "aget_responses", "spend": 0.0}), "read", &[]),
    ]
}

fn by_doubt() -> Vec<Case> {
    let nothing = |other: Value| {
        let mut fields = json!({"spend": 0.0, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
        let (Value::Object(fields), Value::Object(other)) = (&mut fields, other) else { panic!("objects") };
        fields.extend(other);
        Value::Object(fields.clone())
    };
    let said = json!({"choices": [{"message": {"role": "assistant", "content": "words"}}]});
    let silent = |response: Value| nothing(json!({"response": response}));
    vec![
        case("silent-chat", silent(said.clone()), "user", &["no_usage"]),
        case("silent-responses", silent(json!({"output": [{"type": "message"}]})), "user", &["no_usage"]),
        case("silent-claude", silent(json!({"content": [{"type": "text", "text": "x"}]})), "user", &["no_usage"]),
        case("silent-gemini", silent(json!({"candidates": [{"content": {}}]})), "user", &["no_usage"]),
        case("not-stored", silent(json!({})), "user", &[]),
        case("null-response", silent(Value::Null), "user", &[]),
        case("no-choice", silent(json!({"choices": []})), "user", &[]),
        case("null-choice", silent(json!({"choices": null, "output": [null], "content": "x"})), "user", &[]),
        case("moderation", silent(json!({"results": [{"flagged": false}]})), "user", &[]),
        case(
            "mcp",
            nothing(json!({"call_type": "call_mcp_tool", "response": {"content": [{"type": "text"}]}})),
            "user",
            &[],
        ),
        case("silent-poll", nothing(json!({"call_type": "aget_responses", "response": said})), "read", &[]),
        case("from-cache", nothing(json!({"cache_hit": "True", "response": said})), "user", &[]),
        case("null-cache", nothing(json!({"cache_hit": null, "response": said})), "user", &["no_usage"]),
        case("broken-off", nothing(json!({"status": "failure", "response": said})), "user", &[]),
        case(
            "priced",
            json!({"total_tokens": 0, "prompt_tokens": 0, "completion_tokens": 0, "response": said}),
            "user",
            &[],
        ),
        case("counted", json!({"spend": 0.0, "response": said}), "user", &[]),
        case(
            "backwards",
            json!({"endTime": "2026-11-25T11:00:00", "completionStartTime": null, "request_duration_ms": 5}),
            "user",
            &["ends_before_start"],
        ),
        case("at-once", json!({"endTime": "2026-11-25T12:00:35", "request_duration_ms": 0}), "user", &[]),
    ]
}

fn cases() -> Vec<Case> {
    by_origin().into_iter().chain(by_doubt()).collect()
}

async fn database(name: &str) -> Arc<Database> {
    let start = |place: usize| {
        let seconds = if cases()[place].id == "at-once" { 35 } else { place as i64 };
        noon() + TimeDelta::seconds(seconds)
    };
    let rows: Vec<Value> =
        cases().into_iter().enumerate().map(|(place, case)| made::row(case.id, start(place), case.fields)).collect();
    let database = made::database(name, &rows).await;
    let mut conn = database.connect().await;
    for sql in CASES {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the rows of the case fit");
    }
    conn.close().await.expect("closed");
    database
}

/// How each request should be marked in a list.
fn marks() -> BTreeMap<String, (String, Vec<String>)> {
    let of_cases = [
        ("batch_abc", "user"),
        ("batch_abc_batch_cost", "user"),
        ("chatcmpl-cl1", "internal"),
        ("chatcmpl-cl2", "user"),
        ("resp_dup", "user"),
        ("chatcmpl-dup", "user"),
    ];
    let made = cases().into_iter().map(|case| (case.id, case.origin, case.doubts));
    let all = made.chain(of_cases.into_iter().map(|(id, origin)| (id, origin, &[][..])));
    let marks = all.map(|(id, origin, doubts)| {
        (id.to_owned(), (origin.to_owned(), doubts.iter().map(|doubt| (*doubt).to_owned()).collect()))
    });
    marks.collect()
}

async fn listed(app: &App, parameters: &str) -> Vec<Value> {
    app.get(&format!("/api/v1/requests?limit=1000{parameters}")).await.ok().as_array().expect("a list").clone()
}

fn ids(requests: &[Value]) -> Vec<&str> {
    let mut ids: Vec<&str> = requests.iter().map(|one| one["request_id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids
}

async fn check_requests(app: &App) {
    let wanted = marks();
    let all = listed(app, "").await;
    assert_eq!(all.len(), wanted.len());
    for request in &all {
        let id = request["request_id"].as_str().expect("an id");
        let (origin, doubts) = &wanted[id];
        assert_eq!((&request["origin"], &request["data_quality"]), (&json!(origin), &json!(doubts)), "{id}");
        let detail = app.get(&format!("/api/v1/requests/{}", encode(id))).await.ok();
        let mut doubts = doubts.clone();
        if ["resp_dup", "chatcmpl-dup"].contains(&id) {
            doubts.push("shares_call_id".to_owned());
        }
        assert_eq!((&detail["origin"], &detail["data_quality"]), (&json!(origin), &json!(doubts)), "{id}");
    }
    for origin in ["user", "internal", "read", "unknown"] {
        let found = listed(app, &format!("&origin={origin}")).await;
        let expected: Vec<&str> =
            wanted.iter().filter(|(_, (one, _))| one == origin).map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids(&found), expected, "{origin}");
        // Made rows are sessions of their own.
        let sessions = app.get(&format!("/api/v1/sessions?limit=1000&origin={origin}")).await.ok();
        let mut found: Vec<&str> =
            sessions.as_array().expect("a list").iter().map(|one| one["session_id"].as_str().expect("an id")).collect();
        found.sort_unstable();
        let session = |id| match id {
            "batch_abc_batch_cost" => "batch_abc",
            "chatcmpl-cl1" | "chatcmpl-cl2" => "ar-1",
            "resp_dup" | "chatcmpl-dup" => "dup-1",
            id => id,
        };
        let mut expected: Vec<&str> = expected.into_iter().map(session).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(found, expected, "sessions of {origin}");
        for sort in ["cost", "last_activity"] {
            let sorted = app.get(&format!("/api/v1/sessions?limit=1000&origin={origin}&sort={sort}")).await.ok();
            assert_eq!(sorted.as_array().map(Vec::len), Some(expected.len()), "{origin} by {sort}");
        }
    }
    let body = json!({"origin": "internal", "user_id": "alice"});
    let searched = app.post("/api/v1/sessions/search", &body).await.ok();
    assert_eq!(searched[0]["session_id"], "ar-1", "{searched}");
    assert_eq!(searched.as_array().map(Vec::len), Some(1), "one request has to be both");
    for path in ["requests", "sessions", "analytics/overview", "reports/cost"] {
        let problem = app.get(&format!("/api/v1/{path}?origin=users")).await.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], "origin");
        assert!(problem["detail"].as_str().expect("a text").contains("user, internal, read, unknown"), "{problem}");
    }
}

/// Totals and the report, against the listed rows.
async fn check_totals(app: &App) {
    let window = "start_date=2026-11-25&end_date=2026-11-26";
    let all = listed(app, "").await;
    let cost = |requests: &[Value]| {
        requests.iter().map(|one| Money::of(one["cost"].as_f64().expect("dollars"))).sum::<Money>()
    };
    let of = |origin: &str| -> Vec<Value> { all.iter().filter(|one| one["origin"] == origin).cloned().collect() };
    for origin in ["user", "internal", "read"] {
        let rows = of(origin);
        let overview = app.get(&format!("/api/v1/analytics/overview?{window}&origin={origin}")).await.ok();
        assert_eq!(overview["total_requests"], rows.len(), "{origin}");
        assert_eq!(overview["total_cost"].as_f64().map(Money::of), Some(cost(&rows)), "{origin}");
        let models = app.get(&format!("/api/v1/analytics/models?{window}&origin={origin}")).await.ok();
        let counted: i64 =
            models.as_array().expect("a list").iter().filter_map(|row| row["total_requests"].as_i64()).sum();
        assert_eq!(counted, rows.len() as i64, "{origin} by model");
    }
    let report = app.get(&format!("/api/v1/reports/cost?{window}")).await.ok();
    let quality = &report["quality"];
    let flags: BTreeMap<&str, i64> = quality["flags"]
        .as_array()
        .expect("flags")
        .iter()
        .map(|flag| (flag["flag"].as_str().expect("a name"), flag["requests"].as_i64().expect("a number")))
        .collect();
    let with = |flag: &str| {
        all.iter().filter(|one| one["data_quality"].as_array().expect("marks").contains(&json!(flag))).count()
    };
    let wanted: BTreeMap<&str, i64> = ["no_usage", "ends_before_start", "time_out_of_range", "charged_read"]
        .into_iter()
        .map(|flag| (flag, with(flag) as i64))
        .chain([("shares_call_id", 2)])
        .collect();
    assert_eq!(flags, wanted);
    assert!(wanted["no_usage"] == 5 && wanted["ends_before_start"] == 1 && wanted["charged_read"] == 1, "{wanted:?}");
    for (place, origin) in ["user", "internal", "read", "unknown"].into_iter().enumerate() {
        let told = &quality["origins"][place];
        assert_eq!((&told["origin"], &told["requests"]), (&json!(origin), &json!(of(origin).len())));
        assert_eq!(told["cost"].as_str().map(Money::parse), Some(cost(&of(origin))), "{origin}");
    }
    let only = app.get(&format!("/api/v1/reports/cost?{window}&origin=internal")).await.ok();
    assert_eq!(only["filters"]["origin"], "internal");
    assert_eq!(only["totals"]["requests"], of("internal").len());
    for form in ["markdown", "html"] {
        let text = app.get(&format!("/api/v1/reports/cost?{window}&format={form}")).await.text;
        for said in
            ["with neither tokens nor cost: 5.", "LiteLLM may have counted one call twice: 2.", "by LiteLLM itself"]
        {
            assert!(text.contains(said), "{form} does not say {said}");
        }
    }
}

#[tokio::test]
async fn doubtful_rows_and_those_of_no_caller_are_marked_counted_and_left_out() {
    let database = database("data_quality").await;
    let now = noon() + TimeDelta::days(1);
    let app = App::over(Arc::clone(&database), now, &[("INDEX", "off")]);
    check_requests(&app).await;
    check_totals(&app).await;
    if is_native() {
        index::fill(&database).await;
        index::assert_sound(&database).await;
        let app = App::over(Arc::clone(&database), now, &[]);
        assert!(app.state.db.connect().await.expect("a session").facts.rollups().is_some());
        check_requests(&app).await;
        check_totals(&app).await;
    }
}

/// Whoever may not see the other request is not told of it.
#[tokio::test]
async fn a_shared_call_id_is_told_to_those_who_see_both_requests() {
    let call = |user: &str| json!({"litellm_call_id": "call", "user": user});
    let rows = [made::row("one", noon(), call("alice")), made::row("two", noon() + TimeDelta::minutes(1), call("bob"))];
    let app = App::over(made::database("data_quality_scoped", &rows).await, noon() + TimeDelta::days(1), &[]);
    assert_eq!(app.get("/api/v1/requests/one").await.ok()["data_quality"], json!(["shares_call_id"]));
    let sha256 = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
    let keys = json!([{"name": "a", "sha256": sha256, "scope": {"users": ["alice"]}, "content": false}]).to_string();
    let scoped = app.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", &keys)]).with_key("alice");
    assert_eq!(scoped.get("/api/v1/requests/one").await.ok()["data_quality"], json!([]));
}

#[tokio::test]
async fn times_that_no_calendar_has_are_marked() {
    let mut scratch = Scratch::new("data_quality_times").await;
    made::create_tables(&mut scratch.conn, 12).await;
    let outside = ["infinity", "-infinity", "12000-01-01", "10000-01-01", "1969-12-31 23:59:59.999", "0044-03-15 BC"];
    for (place, time) in outside.into_iter().chain(["1970-01-01", "9999-12-31 23:59:59.999"]).enumerate() {
        for column in ["startTime", "endTime", "completionStartTime"] {
            let id = format!("{place}-{column}");
            made::insert(&mut scratch.conn, &[made::row(&id, noon(), json!({}))]).await;
            let sql = format!(r#"UPDATE "LiteLLM_SpendLogs" SET "{column}" = '{time}' WHERE request_id = '{id}'"#);
            scratch.run(&sql).await;
        }
    }
    let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("there is a log");
    let mut sql = QueryBuilder::<Postgres>::new("SELECT f.request_id, COALESCE(f.data_quality, '{}') FROM ");
    facts.push_requests(
        &mut sql,
        &[Fact::RequestId, Fact::DataQuality],
        Beside::Nothing,
        RowSelector::All,
        &Scope::AllRows,
    );
    sql.push(" AS f");
    let marks: Vec<(String, Vec<String>)> = sql.build_query_as().fetch_all(&mut scratch.conn).await.expect("the marks");
    assert_eq!(marks.len(), 24);
    for (id, marks) in marks {
        let place: usize = id.split('-').next().and_then(|place| place.parse().ok()).expect("a number");
        assert_eq!(marks.contains(&"time_out_of_range".to_owned()), place < outside.len(), "{id}: {marks:?}");
    }
}
