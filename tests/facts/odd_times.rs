//! Times, token counts and amounts that cannot be, or hardly: no figure made of them is negative or absurd, and none keeps an
//! endpoint or the indexer from its work.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tests::database::{number, run};
use tests::index::{self, Task};
use tests::made;
use tests::{App, Database, Pair, endpoints};

const CASE_20: &str = include_str!("../fixtures/cases/20-end-before-start.sql");
const CASE_28: &str = include_str!("../fixtures/cases/28-odd-spend.sql");

/// When the rows that need no particular time started.
fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// A database with these rows and an index of them.
async fn pair(name: &str, rows: &[Value], statements: &str) -> (Arc<Database>, Pair) {
    let database = made::database(name, rows).await;
    run(&database, statements).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, "2026-11-26T00:00:00Z".parse().expect("a time"));
    (database, pair)
}

/// Fails if a number in an answer is negative.
#[track_caller]
fn assert_no_negative(answer: &Value, what: &str) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| assert_no_negative(item, what)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            if name != "change" {
                assert_no_negative(value, &format!("{what} {name}"));
            }
        }),
        Value::Number(number) => assert!(number.as_f64().is_some_and(|number| number >= 0.0), "{what}: {number}"),
        _ => {}
    }
}

/// The lists and figures of the API, with what they say beyond the usual.
fn figures() -> Vec<String> {
    let mut paths = Vec::new();
    for endpoint in endpoints::over_the_log() {
        if endpoint.method != http::Method::GET || endpoint.path_parameter().is_some() {
            continue;
        }
        let mut parameters = vec!["start_date=2026-11-01", "end_date=2026-12-01"];
        if endpoint.path.contains("/reports/") {
            parameters = vec!["period=month", "start_date=2026-11-25"];
        }
        parameters.retain(|pair| endpoint.takes(pair.split('=').next().unwrap_or_default()));
        for name in ["details=true", "exact=true"] {
            parameters.extend(endpoint.takes(name.split('=').next().unwrap_or_default()).then_some(name));
        }
        paths.push(format!("{}?{}", endpoint.path, parameters.join("&")));
    }
    paths
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_request_that_ends_before_it_starts_took_no_time() {
    let (database, pair) = pair("times_reversed", &[], CASE_20).await;
    for path in figures().into_iter().filter(|path| !path.contains("/reports/")) {
        assert_no_negative(&pair.get(&path).await.ok(), &path);
    }
    let sessions = pair.get("/api/v1/sessions?sort=duration&start_date=2026-11-25").await.ok();
    let field = |name: &str| sessions.as_array().expect("a list").iter().map(|s| s[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("session_id"), ["time-1", "time-4", "time-3", "time-2"]);
    assert_eq!(field("total_duration_seconds"), [7.0, 1.0, 1.0, 0.0]);
    assert_eq!(field("busy_seconds"), [2.0, 1.0, 1.0, 0.0]);
    assert_eq!(field("avg_response_time"), [1.0, 1.0, 1.0, 0.0]);
    for (id, seconds) in [("t1", 0.0), ("t2", 2.0), ("t3", 0.0), ("t4", 1.0), ("t5", 1.0)] {
        let request = pair.get(&format!("/api/v1/requests/{id}")).await.ok();
        assert_eq!(request["total_time"], seconds, "{id}");
        assert_eq!(request["time_to_first_token"], Value::Null, "{id}");
    }
    let latency = pair.get("/api/v1/analytics/latency?start_date=2026-11-25&exact=true&details=true").await.ok();
    assert_eq!(latency[0]["min_response_time"], 0.0);
    assert_eq!(latency[0]["avg_response_time"], 0.8);
    assert_eq!(latency[0]["streamed_requests"], 0);
    // A duration that LiteLLM measured is good, whatever its clock says.
    let mut conn = database.connect().await;
    let measured = json!({"endTime": (noon() - TimeDelta::seconds(9)).naive_utc(), "request_duration_ms": 1500});
    made::insert(&mut conn, &[made::row("measured", noon(), measured)]).await;
    assert_eq!(pair.direct.get("/api/v1/requests/measured").await.ok()["total_time"], 1.5);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn odd_amounts_sum_up_to_what_is_known() {
    let (database, pair) = pair("odd_amounts", &[], CASE_28).await;
    let overview = pair.get("/api/v1/analytics/overview?start_date=2026-11-25&exact=true&details=true").await.ok();
    assert_eq!(overview["total_cost"], 0.400_000_000_001);
    // A refund makes others a share of more than all.
    run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET team_id = 'refunded' WHERE request_id = 's2'"#).await;
    index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("the indexer does it");
    let teams = pair
        .get("/api/v1/analytics/cost-breakdown?start_date=2026-11-25&group_by=team&details=true&exact=true")
        .await
        .ok();
    let percentages: Vec<&Value> =
        teams.as_array().expect("a list").iter().map(|row| &row["cost_percentage"]).collect();
    assert_eq!(percentages, [100.0, 0.0]);
    for app in [&pair.direct, &pair.indexed] {
        let report = app.get("/api/v1/reports/cost?period=month&start_date=2026-11-25").await.ok();
        let doubts = report["quality"].to_string();
        assert!(doubts.contains("deepseek-v4"), "the model without a price is named: {report}");
    }
}

/// The share of cached tokens, however they are counted.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn cached_tokens_are_a_share_of_the_prompt() {
    let row = |id: &str, tokens: i64, usage: Value| {
        let other = json!({"model_group": id, "prompt_tokens": tokens, "metadata": {"usage_object": usage}});
        made::row(id, noon(), other)
    };
    let rows = [
        row("part", 3000, json!({"prompt_tokens_details": {"cached_tokens": 2560}})),
        row("part-converted", 4950, json!({"cache_read_input_tokens": 4000, "cache_creation_input_tokens": 900})),
        row("beside", 50, json!({"input_tokens": 50, "cache_read_input_tokens": 4000})),
        row("all", 100, json!({"prompt_tokens_details": {"cached_tokens": 100}})),
        row("no-prompt", 0, json!({"cache_read_input_tokens": 100})),
        row("less-than-none", -7, json!({"cache_read_input_tokens": 100})),
        row("nothing", 0, json!({"cache_read_input_tokens": 0})),
        row("unknown", 10, json!({})),
    ];
    let (database, pair) = pair("cached_tokens", &rows, "SELECT").await;
    index::assert_sound(&database).await;
    let models = pair.get("/api/v1/analytics/models?start_date=2026-11-20&details=true&exact=true").await.ok();
    let share = |model: &str| {
        let models = models.as_array().expect("a list");
        models.iter().find(|row| row["model"] == model).expect(model)["cached_token_share"].clone()
    };
    for (model, expected) in [
        ("part", json!(85.33)),
        ("part-converted", json!(80.81)),
        ("beside", json!(98.77)),
        ("all", json!(100.0)),
        ("no-prompt", json!(100.0)),
        ("less-than-none", json!(100.0)),
        ("nothing", Value::Null),
        ("unknown", Value::Null),
    ] {
        assert_eq!(share(model), expected, "{model}");
    }
    let overview = pair.get("/api/v1/analytics/overview?start_date=2026-11-20&details=true&exact=true").await.ok();
    assert_eq!(overview["cached_token_share"], 88.29);
}

/// What sums up to 0 is 0, and what there is none of is null: also where the index stores neither.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_sum_of_zero_is_not_unknown() {
    let start = |id: &str| noon() + TimeDelta::days(i64::from(id == "streamed"));
    let row = |id: &str, other: Value| made::row(id, start(id), other);
    let rows = [
        row(
            "streamed",
            json!({"completionStartTime": start("streamed").naive_utc(), "prompt_tokens": 0,
            "completion_tokens": 0, "total_tokens": 0, "spend": 0.0, "model_group": "streamed"}),
        ),
        row(
            "whole",
            json!({"model_group": "whole", "request_duration_ms": 0, "endTime": noon().naive_utc(),
            "completionStartTime": noon().naive_utc()}),
        ),
    ];
    let (_database, pair) = pair("zero_sums", &rows, "SELECT").await;
    for granularity in ["day", "week", "month"] {
        let path = format!(
            "/api/v1/analytics/models?start_date=2026-11-01&end_date=2026-12-01&details=true&exact=true&granularity={granularity}"
        );
        let models = pair.get(&path).await.ok();
        let models = models.as_array().expect("a list");
        let of = |model: &str| models.iter().find(|row| row["model"] == model).expect(model);
        assert_eq!(of("streamed")["avg_time_to_first_token"], 0.0);
        assert_eq!(of("streamed")["p50_time_to_first_token"], 0.0);
        assert_eq!(of("streamed")["total_tokens"], 0);
        assert_eq!(of("whole")["avg_time_to_first_token"], Value::Null);
        assert_eq!(of("whole")["avg_response_time"], 0.0);
    }
    let latency =
        pair.get("/api/v1/analytics/latency?start_date=2026-11-01&group_by=model&exact=true&details=true").await.ok();
    assert_eq!(latency.as_array().map(Vec::len), Some(2));
    assert_no_negative(&latency, "latency");
}

/// Times that PostgreSQL stores and nobody else can count with.
const OUT_OF_BOUNDS: [&str; 7] = [
    "infinity",
    "-infinity",
    "294276-12-31 23:59:59.999",
    "10000-01-01 00:00:00",
    "4714-11-24 00:00:00 BC",
    "0001-01-01 00:00:00",
    "1969-12-31 23:59:59.999",
];

async fn insert_times(conn: &mut PgConnection) {
    // All in one session, with a request of a good time.
    let other = |id: &str, time: &str, column: &str| {
        let mut row =
            made::row(id, noon(), json!({"session_id": "odd", "user": "mallory", "request_duration_ms": null}));
        row[column] = json!(time);
        row
    };
    let mut rows = vec![made::row("good", noon(), json!({"session_id": "odd", "user": "mallory"}))];
    for (place, time) in OUT_OF_BOUNDS.into_iter().enumerate() {
        for column in ["startTime", "endTime", "completionStartTime"] {
            rows.push(other(&format!("{column}-{place}"), time, column));
        }
        let mut all = other(&format!("all-{place}"), time, "startTime");
        (all["endTime"], all["completionStartTime"]) = (json!(time), json!(time));
        rows.push(all);
    }
    made::insert(conn, &rows).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn times_out_of_bounds_fail_nothing() {
    let rows = [
        made::row("a1", noon(), json!({"session_id": "a", "user": "alice"})),
        made::row("a2", noon() + TimeDelta::minutes(5), json!({"session_id": "a", "user": "alice"})),
    ];
    let (database, pair) = pair("times_out_of_bounds", &rows, "SELECT").await;
    let mut conn = database.connect().await;
    insert_times(&mut conn).await;
    conn.close().await.expect("closed");
    for task in [Task::Run, Task::Reconcile, Task::Run, Task::Run] {
        let outcome = index::perform(database.url(), &index::settings(), task).await.expect("the indexer does it");
        assert!(outcome.complete, "{task:?}: {outcome:?}");
    }
    index::assert_sound(&database).await;
    let again = index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
    assert_eq!((again.copied, again.changed), (0, 0));
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'traceability.facts'::regclass";
    assert!(number(&database, partitions).await < 5, "partitions of months without a row");
    // An index that begins with them.
    run(&database, "DROP SCHEMA traceability CASCADE").await;
    index::fill(&database).await;
    index::assert_sound(&database).await;
    ask_about_times(&pair).await;
}

async fn ask_about_times(pair: &Pair) {
    for path in figures().iter().chain([&"/health".to_owned()]) {
        for app in [&pair.direct, &pair.indexed] {
            assert_eq!(app.get(path).await.status, 200, "{path}: {}", app.get(path).await.text);
        }
    }
    let health = pair.direct.get("/health").await.ok();
    assert_eq!(health["newest_request"], "2026-11-20T12:05:00Z");
    for path in figures().into_iter().filter(|path| !path.contains("/reports/")) {
        assert_no_negative(&pair.get(&path).await.ok(), &path);
    }
    // Of the rows with a start within bounds, each is in the window.
    let listed = pair.all_pages("/api/v1/requests?start_date=2026-11-20&limit=4").await;
    assert_eq!(listed.len(), 3 + 2 * OUT_OF_BOUNDS.len());
    let summary = pair.get("/api/v1/sessions/odd/summary").await.ok();
    assert_eq!(summary["total_messages"], 1 + 4 * OUT_OF_BOUNDS.len());
    assert_eq!(summary["session_start"], "1970-01-01T00:00:00Z");
    assert_eq!(summary["last_activity"], "9999-12-31T23:59:59.999Z");
    assert_no_negative(&summary, "summary");
    for sort in ["start", "last_activity", "cost", "tokens", "duration", "requests"] {
        for order in ["asc", "desc"] {
            let path = format!("/api/v1/sessions?start_date=2026-11-20&sort={sort}&order={order}&limit=1");
            assert_eq!(pair.all_pages(&path).await.len(), 2, "{path}");
        }
    }
    // The windows at the bounds have what is beyond.
    for (window, expected) in [
        ("start_date=1970-01-01&end_date=1970-01-02", 8),
        ("start_date=1970-01-01T00:00:00.001Z&end_date=1970-01-02", 0),
        ("start_date=9999-12-31&end_date=9999-12-31T23:59:59.999Z", 0),
        ("start_date=9999-12-31&end_date=9999-12-31T23:59:59.9995Z", 6),
    ] {
        let far = pair.all_pages(&format!("/api/v1/requests?{window}&limit=3")).await;
        assert_eq!(far.len(), expected, "{window}");
    }
    for place in 0..OUT_OF_BOUNDS.len() {
        for column in ["startTime", "endTime", "completionStartTime", "all"] {
            let path = format!("/api/v1/requests/{column}-{place}");
            let request = pair.get(&path).await.ok();
            assert_no_negative(&request["total_time"], &path);
            assert!(request["total_time"].as_f64() <= Some(2_147_483.647), "{path}: {request}");
            assert_eq!(request["time_to_first_token"], Value::Null, "{path}");
        }
    }
    messages_page_by_page(&pair.direct).await;
    messages_page_by_page(&pair.indexed).await;
}

/// The pages of a session go on beyond requests of odd times.
async fn messages_page_by_page(app: &App) {
    let (mut next, mut pages) = (Some("/api/v1/sessions/odd/messages?limit=5".to_owned()), 0);
    while let Some(path) = next {
        let answer = app.get(&path).await;
        let _ = answer.ok();
        next = answer.next();
        pages += 1;
        assert!(pages < 100, "the pages do not end");
    }
}
