//! How PostgreSQL answers the statements of the API on a log that is large enough to choose: by LiteLLM's own indexes,
//! and without unpacking payload that an answer does not show.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use local::generate::{Generation, generate, progress_bar};
use local::sample;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tests::{App, Database, Logs, encode};

const ROWS: u64 = 25_000;
const LOG: &str = "LiteLLM_SpendLogs";

/// The API over a log of some size, and a connection of the test's own.
struct Large {
    app: App,
    conn: PgConnection,
    session: String,
    request: String,
    call: String,
}

/// Made once, by the first test that needs it.
static LARGE: tokio::sync::OnceCell<Arc<Database>> = tokio::sync::OnceCell::const_new();

async fn large() -> Large {
    let now: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().expect("a time");
    let database = LARGE.get_or_init(|| async {
        let database = Database::empty("plans").await;
        let mut conn = database.connect().await;
        sample::prepare(&mut conn, now).await.expect("the sample is there");
        generate(&mut conn, &Generation::new(ROWS, now), &progress_bar()).await.expect("the rows are generated");
        Arc::new(database)
    });
    let database = Arc::clone(database.await);
    let mut conn = database.connect().await;
    let (session, request, call) = sqlx::query_as(
        r#"SELECT session_id, request_id, litellm_call_id FROM "LiteLLM_SpendLogs" s
           WHERE (SELECT count(*) FROM "LiteLLM_SpendLogs" o WHERE o.session_id = s.session_id) BETWEEN 3 AND 9
             AND litellm_call_id <> request_id ORDER BY "startTime" DESC LIMIT 1"#,
    )
    .fetch_one(&mut conn)
    .await
    .expect("a session of a few requests");
    Large { app: App::over(database, now, &[]), conn, session, request, call }
}

impl Large {
    /// The statements that a request makes, without those that look at the catalogue.
    async fn statements(&self, path: &str) -> Vec<String> {
        let _ = self.app.get(path).await.ok();
        let logs = Logs::collect();
        let _ = self.app.get(path).await.ok();
        let statements: Vec<String> = logs.take_statements().into_iter().filter(|sql| sql.contains(LOG)).collect();
        assert!(!statements.is_empty(), "{path} makes no statement");
        statements
    }

    /// The plan of a statement: as PostgreSQL makes it for these values, and as it makes it once for any (`generic`).
    async fn plan(&mut self, sql: &str, window: (&str, &str), generic: bool) -> Value {
        let mut values = Vec::new();
        let kind = if generic { "generic" } else { "custom" };
        for sql in [
            format!("SET plan_cache_mode = force_{kind}_plan"),
            "SET jit = off".to_owned(),
            "DEALLOCATE asked".to_owned(),
            format!("PREPARE asked AS {sql}"),
        ] {
            let first = sql.starts_with("DEALLOCATE");
            let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut self.conn).await;
            assert!(done.is_ok() || first, "{done:?}: {sql}");
        }
        let types: Vec<String> = sqlx::query_scalar(
            "SELECT unnest(parameter_types::text[]) FROM pg_prepared_statements WHERE name = 'asked'",
        )
        .fetch_all(&mut self.conn)
        .await
        .expect("the parameters' types");
        let mut times = [window.0, window.1].into_iter().cycle();
        for kind in types {
            values.push(match kind.as_str() {
                "timestamp without time zone" => format!("'{}'", times.next().expect("there is always one")),
                "timestamp without time zone[]" => format!("ARRAY['{}'::timestamp]", window.0),
                "text" => format!(
                    "'{}'",
                    if sql.contains("s.litellm_call_id =") {
                        &self.call
                    } else if sql.contains("s.session_id = $") {
                        &self.session
                    } else {
                        &self.request
                    }
                ),
                "text[]" => format!("ARRAY['{}']", self.session),
                "bigint" => if sql.contains("OFFSET $") && values.last().is_some_and(|value| value == "51") {
                    "0"
                } else {
                    "51"
                }
                .into(),
                other => panic!("no value for a {other} in {sql}"),
            });
        }
        let call = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE asked{call}");
        // The simple protocol: EXECUTE cannot be prepared itself.
        let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut self.conn).await.expect("a plan");
        let text: String = sqlx::Row::try_get_unchecked(&row, 0).expect("text");
        serde_json::from_str(&text).expect("the plan is JSON")
    }
}

/// Every node of a plan.
fn nodes(plan: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    match plan {
        Value::Array(items) => items.iter().for_each(|item| all.extend(nodes(item))),
        Value::Object(map) => {
            if map.contains_key("Node Type") {
                all.push(plan);
            }
            for key in ["Plan", "Plans"] {
                all.extend(map.get(key).map(nodes).unwrap_or_default());
            }
        }
        _ => {}
    }
    all
}

/// The indexes by which a plan reads the log.
fn indexes(plan: &Value) -> BTreeSet<String> {
    nodes(plan)
        .iter()
        .filter_map(|node| node["Index Name"].as_str())
        .filter(|name| name.starts_with(LOG))
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn expect_no_scan(plan: &Value, what: &str) {
    for node in nodes(plan) {
        let scans = node["Node Type"].as_str().is_some_and(|kind| kind.contains("Seq Scan"));
        assert!(!(scans && node["Relation Name"] == LOG), "{what} reads the whole log: {plan:#}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_session_and_a_request_are_looked_up_by_index() {
    let mut large = large().await;
    let (session, request, call) = (encode(&large.session), encode(&large.request), encode(&large.call));
    let day = ("2026-11-23", "2026-11-24");
    for (path, index) in [
        (format!("/api/v1/sessions/{session}/summary"), "LiteLLM_SpendLogs_session_id_idx"),
        (format!("/api/v1/sessions/{session}/messages"), "LiteLLM_SpendLogs_session_id_idx"),
        (format!("/api/v1/requests/{request}"), "LiteLLM_SpendLogs_pkey"),
        (format!("/api/v1/requests/{request}/messages"), "LiteLLM_SpendLogs_pkey"),
        (format!("/api/v1/requests/{call}"), "LiteLLM_SpendLogs_litellm_call_id_idx"),
        (format!("/api/v1/requests/{call}/messages"), "LiteLLM_SpendLogs_litellm_call_id_idx"),
    ] {
        let mut used = BTreeSet::new();
        for sql in large.statements(&path).await {
            for generic in [false, true] {
                let plan = large.plan(&sql, day, generic).await;
                expect_no_scan(&plan, &path);
                used.extend(indexes(&plan));
            }
        }
        assert!(used.contains(index), "{path} uses {used:?}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_page_and_a_day_are_read_by_the_time_index() {
    let mut large = large().await;
    let window = "start_date=2026-11-23&end_date=2026-11-24";
    for path in [
        format!("/api/v1/requests?{window}"),
        "/api/v1/requests".to_owned(),
        "/api/v1/requests?status=failure".to_owned(),
        "/api/v1/sessions".to_owned(),
        "/api/v1/sessions?sort=last_activity".to_owned(),
        format!("/api/v1/sessions?sort=cost&{window}"),
        format!("/api/v1/analytics/overview?{window}"),
        format!("/api/v1/analytics/models?{window}"),
        format!("/api/v1/analytics/agents?{window}"),
        format!("/api/v1/analytics/usage-trends?granularity=hour&{window}"),
        format!("/api/v1/analytics/cost-breakdown?{window}"),
        format!("/api/v1/analytics/cost-breakdown?group_by=tag&{window}"),
        format!("/api/v1/analytics/cost-breakdown?group_by=team,model&granularity=hour&compare=previous&{window}"),
        format!("/api/v1/analytics/users?{window}"),
        format!("/api/v1/analytics/latency?group_by=provider&{window}"),
        format!("/api/v1/analytics/errors?{window}"),
        format!("/api/v1/analytics/tools?{window}"),
        format!("/api/v1/analytics/sessions?{window}"),
        "/health".to_owned(),
    ] {
        let open = !path.contains("start_date");
        let mut used = BTreeSet::new();
        for sql in large.statements(&path).await {
            let window = if open { ("2025-11-23", "2026-11-24") } else { ("2026-11-23", "2026-11-24") };
            let plan = large.plan(&sql, window, false).await;
            expect_no_scan(&plan, &path);
            used.extend(indexes(&plan));
        }
        assert!(used.iter().any(|index| index.contains("startTime")), "{path} uses {used:?}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn lists_and_totals_unpack_no_payload_that_they_do_not_show() {
    let large = large().await;
    let request = ["s.metadata", "s.proxy_server_request", "s.messages", "s.response"];
    let stored = ["s.metadata", "s.proxy_server_request", "s.messages"];
    for (path, payload) in [
        ("/api/v1/requests", &request[..]),
        ("/api/v1/requests?user_id=alice&model=gpt-4o&status=failure&tag=x&team_id=y&end_user=z", &request),
        ("/api/v1/analytics/overview", &stored),
        ("/api/v1/analytics/models", &request),
        ("/api/v1/analytics/usage-trends", &stored),
        ("/api/v1/analytics/cost-breakdown?group_by=model", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=user", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=end_user", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=team", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=key", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=provider", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=tag", &request),
        ("/api/v1/analytics/cost-breakdown?group_by=team,model&granularity=day&compare=previous", &request),
        ("/api/v1/analytics/users", &request),
        ("/api/v1/analytics/latency", &request),
        ("/api/v1/analytics/latency?group_by=model", &request),
        ("/api/v1/analytics/sessions", &request),
        ("/health", &request),
    ] {
        // The marks of a page, which are told by its payload, are read of the page's requests only.
        let (marks, others): (Vec<String>, Vec<String>) =
            large.statements(path).await.into_iter().partition(|sql| sql.contains("s.request_id = ANY($1)"));
        assert_eq!(marks.len(), usize::from(path == "/api/v1/requests"), "{path} marks its requests: {marks:?}");
        for sql in others {
            for column in payload {
                assert!(!sql.contains(column), "{path} reads {column}: {sql}");
            }
        }
    }
    // The summaries name the agents, which are in the payload: it is read of the page's sessions only.
    for path in ["/api/v1/sessions", "/api/v1/sessions?sort=cost", "/api/v1/sessions?min_cost=0.001&status=failure"] {
        let statements = large.statements(path).await;
        let (last, search) = statements.split_last().expect("statements");
        assert!(!search.is_empty(), "{path} searches and then summarises: {statements:?}");
        for sql in search {
            for column in request {
                assert!(!sql.contains(column), "{path} reads {column} while it searches: {sql}");
            }
        }
        assert!(last.contains("unnest($1::text[]) AS k(session_id)"), "{path} summarises by id: {last}");
        assert!(last.contains("s.session_id = k.session_id"), "{path} summarises by id: {last}");
    }
}

/// A page of messages finds its requests first. Only theirs are the payloads that it unpacks.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_page_of_messages_unpacks_the_payload_of_its_own_requests_only() {
    let mut large = large().await;
    let path = format!("/api/v1/sessions/{}/messages?limit=2", encode(&large.session));
    let next = large.app.get(&path).await.next().expect("the session has more than two requests");
    for path in [path, next] {
        let statements = large.statements(&path).await;
        let (contents, keys): (Vec<_>, Vec<_>) = statements.iter().partition(|sql| sql.contains("s.metadata"));
        assert!(!contents.is_empty() && !keys.is_empty(), "{path}: {statements:?}");
        for sql in &keys {
            for column in ["s.proxy_server_request", "s.messages", "s.response"] {
                assert!(!sql.contains(column), "{path} reads {column} of the whole session: {sql}");
            }
        }
        assert!(keys.iter().any(|sql| sql.contains("LIMIT $")), "{path} reads more keys than the page has: {keys:?}");
        for sql in &contents {
            assert!(sql.contains("s.request_id = ANY($"), "{path} reads contents by id: {sql}");
            for generic in [false, true] {
                let plan = large.plan(sql, ("2026-10-01", "2026-11-24"), generic).await;
                let used = indexes(&plan);
                assert!(used.contains("LiteLLM_SpendLogs_pkey"), "{path} uses {used:?}: {plan:#}");
            }
        }
    }
}
