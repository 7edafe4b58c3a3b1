//! An index that an earlier version has made and filled is brought up to this one, with the rows that LiteLLM's log has lost.

use std::io::Read;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use tests::database::{number, run};
use tests::{App, Database, index};
use traceability_index::{Migration, MigrationError};

/// A log and its index as the first step's version left them, see `tests/fixtures/README.md`. The log has lost its October.
const FIRST_VERSION: &[u8] = include_bytes!("../fixtures/index/20261124000000.sql.gz");

fn now() -> DateTime<Utc> {
    "2026-11-27T12:00:00Z".parse().expect("a time")
}

async fn restored(name: &str) -> Arc<Database> {
    let mut sql = String::new();
    GzDecoder::new(FIRST_VERSION).read_to_string(&mut sql).expect("the fixture unpacks");
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the fixture loads");
    conn.close().await.expect("closed");
    Arc::new(database)
}

async fn migrate(database: &Database) -> Result<(), MigrationError> {
    let mut conn = database.connect().await;
    let migrated = traceability_index::migrate(&mut conn, Migration::Single).await;
    conn.close().await.expect("closed");
    migrated
}

/// What both versions say in the same words: nothing of it depends on what the projection was mended in.
const QUESTIONS: [&str; 14] = [
    "analytics/overview?days=90&team_id=team-a&details=true&exact=true",
    "analytics/overview?days=90&team_id=team-a&details=true&exact=true&compare=previous",
    "analytics/models?start_date=2026-10-01&end_date=2026-11-27&team_id=team-a&details=true&exact=true&granularity=week",
    "analytics/agents?start_date=2026-10-01&end_date=2026-11-27&team_id=team-a&details=true&exact=true",
    "analytics/users?start_date=2026-10-05T10:00:00Z&end_date=2026-11-07T09:00:01Z&team_id=team-a&details=true&exact=true",
    "analytics/usage-trends?details=true&exact=true&start_date=2026-10-01&end_date=2026-11-27&team_id=team-a&granularity=day",
    "analytics/cost-breakdown?details=false&start_date=2026-10-01&end_date=2026-11-27&group_by=team,model",
    "analytics/cost-breakdown?details=true&exact=true&start_date=2026-10-01&end_date=2026-11-27&group_by=tag&team_id=team-a&granularity=month",
    "analytics/tools?details=false&start_date=2026-10-01&end_date=2026-11-27",
    "analytics/errors?details=false&start_date=2026-10-01&end_date=2026-11-27",
    "sessions?team_id=team-a&limit=100",
    "sessions?team_id=team-a&limit=100&sort=cost",
    "sessions/across/summary",
    "requests?team_id=team-a&limit=100",
];

/// Without the marks: of a row that the log has lost not all of them are known.
fn unmarked(mut answer: Value) -> Value {
    for row in answer.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        row.remove("origin");
        row.remove("data_quality");
    }
    answer
}

/// Asks an API over the index of a log that has lost rows, and one over the whole log.
async fn compare(upgraded: &App, whole: &App) {
    for question in QUESTIONS {
        let path = format!("/api/v1/{question}");
        let (found, wanted) = (upgraded.get(&path).await.ok(), whole.get(&path).await.ok());
        assert_eq!(unmarked(found), unmarked(wanted), "{question}");
    }
    let path = "/api/v1/analytics/overview?days=90";
    for field in ["total_requests", "total_cost", "total_tokens", "total_sessions", "failed_requests"] {
        assert_eq!(upgraded.get(path).await.ok()[field], whole.get(path).await.ok()[field], "{field}");
    }
}

/// All numbers in an answer.
fn numbers(answer: &Value) -> Vec<f64> {
    match answer {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values().flat_map(numbers).collect(),
        other => other.as_f64().into_iter().collect(),
    }
}

/// What the projection was mended in holds for the lost rows as well.
async fn check_mended(database: &Database, app: &App) {
    let secret = "SELECT count(*) FROM (SELECT t::text AS line FROM traceability.facts t UNION ALL \
                  SELECT t::text FROM traceability.rollups t UNION ALL SELECT t::text FROM traceability.owners t UNION ALL \
                  SELECT t::text FROM traceability.labels t) l \
                  WHERE l.line LIKE '%custom-auth-token%'";
    assert_eq!(number(database, secret).await, 0, "a key in clear is in the index");
    let keys =
        "/api/v1/analytics/cost-breakdown?start_date=2026-10-01&end_date=2026-11-01&group_by=key&team_id=team-keys";
    let rows = app.get(keys).await.ok();
    let mut requests: Vec<i64> =
        rows.as_array().expect("rows").iter().map(|row| row["total_requests"].as_i64().expect("a number")).collect();
    requests.sort_unstable();
    assert_eq!(requests, [1, 2], "a key and its hash are one: {rows}");
    let of_key = "SELECT sum(r.requests)::bigint FROM traceability.rollups r WHERE r.dimension = 'key' AND r.level = 0 \
                  AND r.first = encode(sha256('custom-auth-token-2'), 'hex')";
    assert_eq!(number(database, of_key).await, 1, "roll-ups go by the hash");

    let negative = "SELECT count(*) FROM traceability.facts WHERE duration_ms < 0";
    assert_eq!(number(database, negative).await, 0);
    let clocks = app.get("/api/v1/sessions/backwards/summary").await.ok();
    for field in ["total_duration_seconds", "avg_response_time", "p50_response_time", "busy_seconds"] {
        assert!(clocks[field].as_f64() >= Some(0.0), "{field}: {clocks}");
    }
    let latency = app.get("/api/v1/analytics/latency?days=90&team_id=team-clocks&group_by=team").await.ok();
    assert!(numbers(&latency).into_iter().all(|number| number >= 0.0), "{latency}");
    let lost = app.get("/api/v1/requests/lost-negative").await.ok();
    assert_eq!((&lost["origin"], &lost["data_quality"]), (&Value::Null, &json!(["ends_before_start"])));
    assert_eq!(app.get("/api/v1/requests/lost-health").await.ok()["origin"], "internal");
    let bridged = app.get("/api/v1/requests/lost-bridged-1").await.ok();
    assert_eq!(bridged["data_quality"], json!(["shares_call_id"]));
    let unknown = app.get("/api/v1/requests?origin=unknown&end_date=2026-11-01&limit=100").await.ok();
    assert_eq!(unknown.as_array().map(Vec::len), Some(11), "all lost rows but the health check");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_index_of_the_first_version_is_upgraded_with_the_rows_that_the_log_has_lost() {
    let database = restored("index_upgrade").await;
    let whole = restored("index_upgrade_whole").await;
    run(&whole, r#"INSERT INTO "LiteLLM_SpendLogs" SELECT * FROM deleted_rows; DROP SCHEMA traceability CASCADE"#)
        .await;
    let whole = App::over(whole, now(), &[]);
    let app = App::over(Arc::clone(&database), now(), &[]);
    let error = index::refresh(&database).await.expect_err("it is of another version").to_string();
    assert!(error.contains("make migrate"), "{error}");
    assert!(app.state.db.connect().await.expect("a session").facts.rollups().is_none());

    for _ in 0..2 {
        migrate(&database).await.expect("it is upgraded, and once only");
    }
    let mut conn = database.connect().await;
    index::assert_derived(&mut conn).await;
    conn.close().await.expect("closed");
    assert_eq!(number(&database, "SELECT count(*) FROM traceability.facts WHERE projection = 1").await, 21);
    app.state.db.forget_facts().await;
    assert!(app.state.db.connect().await.expect("a session").facts.rollups().is_some());
    compare(&app, &whole).await;
    check_mended(&database, &app).await;

    // By itself, as it comes round, the indexer copies again what the log has, and nothing else.
    let outdated = "SELECT count(*) FROM traceability.facts WHERE projection = 1 AND NOT gone";
    let mut runs = 0;
    while number(&database, outdated).await > 0 {
        assert!(runs < 20, "the comparison does not come round");
        runs += 1;
        index::refresh(&database).await.expect("it runs");
    }
    assert!(runs > 1, "one run looks at a part only");
    assert_eq!(number(&database, "SELECT count(*) FROM traceability.facts WHERE projection = 1").await, 12);
    let copied = index::refresh(&database).await.expect("it runs").copied;
    assert_eq!(copied, 0, "what is up to date is not copied again");
    let mut conn = database.connect().await;
    index::assert_derived(&mut conn).await;
    conn.close().await.expect("closed");
    compare(&app, &whole).await;
    check_mended(&database, &app).await;
    let kept = app.get("/api/v1/requests/kept-internal").await.ok();
    assert_eq!(kept["origin"], "internal");
    let report = app.get("/api/v1/reports/cost?start_date=2026-10-01&end_date=2026-11-27").await.ok();
    let origins = report["quality"]["origins"].as_array().expect("origins");
    let requests: Vec<&Value> = origins.iter().map(|origin| &origin["requests"]).collect();
    assert_eq!(requests, [7, 2, 1, 11], "{origins:?}");
}

/// Rows that differ in nothing but what nothing is made of leave their roll-ups in use.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn rows_of_an_older_projection_are_altered_in_place_where_only_their_marks_differ() {
    let database = restored("index_upgrade_in_place").await;
    migrate(&database).await.expect("it is upgraded");
    // What the upgrade itself has marked is rolled up.
    index::refresh(&database).await.expect("it runs");
    assert_eq!(number(&database, "SELECT count(*) FROM traceability.stale").await, 0);
    let window = |start: &str, end: &str| traceability_core::time::TimeWindow {
        start: start.parse().expect("a time"),
        end: end.parse().expect("a time"),
    };
    // Each row by the transaction that wrote it.
    let written = "SELECT sum(r.xmin::text::bigint)::bigint FROM traceability.rollups r \
                   WHERE r.starts BETWEEN 1993344 AND 1993439 AND r.level = 0";
    let before = number(&database, written).await;
    let task = index::Task::Rebuild(window("2026-11-07T00:00:00Z", "2026-11-08T00:00:00Z"));
    let outcome = index::perform(database.url(), &index::settings(), task).await.expect("it runs");
    assert_eq!((outcome.copied, outcome.changed), (3, 3));
    assert_eq!(number(&database, written).await, before, "nothing is rolled up anew");
    let marked = format!(
        "SELECT count(*) FROM traceability.facts WHERE projection = {} AND origin IS NOT NULL AND has_content IS NOT NULL \
         AND merged_in = (SELECT merges FROM traceability.state) AND started_at::date = '2026-11-07'",
        traceability_litellm::PROJECTION
    );
    assert_eq!(number(&database, &marked).await, 3);
}

/// What `make migrate-down` says before it drops the schema, and that it then drops all of it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn dropping_an_index_tells_what_is_lost_and_leaves_nothing() {
    let database = restored("index_upgrade_down").await;
    for is_upgraded in [false, true] {
        if is_upgraded {
            migrate(&database).await.expect("it is upgraded");
        }
        let mut conn = database.connect().await;
        let lost = traceability_index::only_copy(&mut conn).await.expect("it is counted").expect("rows were lost");
        assert_eq!(lost.requests, 12);
        assert_eq!(
            (lost.first.to_string(), lost.last.to_string()),
            ("2026-10-05 10:00:00".to_owned(), "2026-10-10 08:10:00.002".to_owned())
        );
        conn.close().await.expect("closed");
    }
    run(&database, "UPDATE traceability.facts SET gone = false").await;
    let mut conn = database.connect().await;
    assert_eq!(traceability_index::only_copy(&mut conn).await.expect("it is counted"), None);
    traceability_index::undo(&mut conn).await.expect("it is dropped");
    assert_eq!(traceability_index::only_copy(&mut conn).await.expect("there is nothing"), None);
    conn.close().await.expect("closed");
    assert_eq!(number(&database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'traceability'").await, 0);
    index::fill(&database).await;
}
