//! Every number agrees with every other.

use chrono::{DateTime, TimeDelta, Utc};
use local::generate::{Generation, generate, progress_bar};
use local::sample;
use serde_json::{Value, json};
use sqlx::Connection;
use tests::made;
use tests::{App, Database};

/// The sum of a field over a list.
fn total(list: &Value, field: &str) -> f64 {
    list.as_array().expect("a list").iter().map(|item| item[field].as_f64().expect("a number")).sum()
}

#[track_caller]
fn assert_sums(list: &Value, fields: &[(&str, &str)], overview: &Value, what: &str) {
    for (field, of_overview) in fields {
        let (sum, whole) = (total(list, field), overview[of_overview].as_f64().expect("a number"));
        assert!((sum - whole).abs() < 1e-9, "{what}: {field} sums to {sum}, {of_overview} is {whole}");
    }
}

const REQUESTS: (&str, &str) = ("total_requests", "total_requests");
const TOKENS: (&str, &str) = ("total_tokens", "total_tokens");
const COST: (&str, &str) = ("total_cost", "total_cost");
const CALLS: (&str, &str) = ("function_calls", "total_function_calls");
const FAILURES: (&str, &str) = ("failed_requests", "failed_requests");

/// Everything that must sum to the overview of a window does.
async fn check_sums(app: &App, window: &str) {
    let ask = async |question: &str| {
        let separator = if question.contains('?') { '&' } else { '?' };
        app.get(&format!("/api/v1/analytics/{question}{separator}{window}")).await.ok()
    };
    let overview = ask("overview").await;
    assert!(overview["total_requests"].as_i64() > Some(100), "the window has rows: {overview}");
    for granularity in ["15m", "hour", "day", "week", "month"] {
        let trend = ask(&format!("usage-trends?granularity={granularity}")).await;
        assert_sums(&trend, &[REQUESTS, TOKENS, COST, CALLS, FAILURES], &overview, granularity);
    }
    let hits = ("cache_hits", "cache_hits");
    assert_sums(&ask("models").await, &[REQUESTS, TOKENS, COST, FAILURES, hits], &overview, "models");
    let (requests, tokens) = (("total_interactions", "total_requests"), ("total_tokens_used", "total_tokens"));
    assert_sums(&ask("agents").await, &[requests, tokens, COST, CALLS, FAILURES], &overview, "agents");
    assert_sums(&ask("users").await, &[REQUESTS, TOKENS, COST, FAILURES, hits], &overview, "users");
    assert_sums(&ask("latency?group_by=model").await, &[REQUESTS], &overview, "latency");
    assert_sums(&ask("errors").await, &[FAILURES], &overview, "errors");
    let pairs = ["team,model", "user,provider", "agent,end_user", "key,team"];
    for dimension in ["model", "agent", "user", "end_user", "team", "key", "provider"].into_iter().chain(pairs) {
        let breakdown = ask(&format!("cost-breakdown?group_by={dimension}")).await;
        assert_sums(&breakdown, &[REQUESTS, TOKENS, COST], &overview, dimension);
        let shares = breakdown.as_array().expect("a list").len();
        let percent = total(&breakdown, "cost_percentage");
        assert!((percent - 100.0).abs() <= 0.005 * shares as f64 + 1e-9, "{dimension}: {percent} % in all");
    }
}

/// The end of the generated rows.
fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

#[tokio::test]
async fn every_answer_sums_to_the_overview_over_generated_rows() {
    let database = Database::empty("generated").await;
    let mut conn = database.connect().await;
    sample::prepare(&mut conn, now()).await.expect("the sample is loaded");
    let wanted = Generation { days: 20, ..Generation::new(1_200, now()) };
    generate(&mut conn, &wanted, &progress_bar()).await.expect("rows are generated");
    conn.close().await.expect("closed");

    let app = App::over(database.into(), now(), &[]);
    for window in [
        "days=30",
        "start_date=2026-11-05&end_date=2026-11-14&timezone=Asia/Kolkata",
        "days=20&team_id=team-support&timezone=America/New_York",
    ] {
        check_sums(&app, window).await;
    }

    let overview = app.get("/api/v1/analytics/overview?days=365").await.ok();
    let sessions = Value::from(app.all_pages("/api/v1/sessions?limit=1000").await.0);
    let requests = Value::from(app.all_pages("/api/v1/requests?limit=1000").await.0);
    let (messages, calls) = (("total_messages", "total_requests"), ("function_calls_count", "total_function_calls"));
    assert_sums(&sessions, &[messages, TOKENS, COST, calls, FAILURES], &overview, "sessions");
    assert_sums(&requests, &[TOKENS, ("cost", "total_cost")], &overview, "requests");
    for list in [&sessions, &requests] {
        let count = list.as_array().expect("a list").len();
        let field = if *list == sessions { "unique_sessions" } else { "total_requests" };
        assert_eq!(overview[field], count, "{field}");
    }
}

#[tokio::test]
async fn categories_beyond_the_thousandth_are_one_and_still_sum() {
    const CATEGORIES: usize = 1_050;
    let row = |number: usize| {
        // The categories 0 to 49 cost least, each with two requests.
        let category = number % CATEGORIES;
        let fields = json!({
            "end_user": format!("user {category:04}"), "spend": 0.000_1 * (category + 1) as f64,
            "session_id": format!("s {}", number % 400),
        });
        made::row(&format!("r {number}"), now() - TimeDelta::minutes(number as i64 + 1), fields)
    };
    let rows: Vec<Value> = (0..CATEGORIES + 50).map(row).collect();
    let app = App::over(made::database("many_categories", &rows).await, now(), &[]);

    let breakdown = app.get("/api/v1/analytics/cost-breakdown?group_by=end_user").await.ok();
    let shares = breakdown.as_array().expect("a list");
    assert_eq!(shares.len(), 1_001);
    assert_eq!(shares[0]["category"], "user 1049");
    let other = &shares[1_000];
    assert_eq!(other["category"], "other");
    // Of the categories with one request each, 50 to 1049, those up to 98 cost no more than the doubled ones do.
    let overview = app.get("/api/v1/analytics/overview").await.ok();
    assert_sums(&breakdown, &[REQUESTS, TOKENS, COST], &overview, "end_user");
    let mut costs: Vec<usize> = (0..CATEGORIES).map(|c| (c + 1) * if c < 50 { 2 } else { 1 }).collect();
    costs.sort_unstable();
    let folded = costs[..50].iter().sum::<usize>() as f64 * 0.000_1;
    assert!((other["total_cost"].as_f64().expect("a number") - folded).abs() < 1e-9, "{other}");
    check_sums(&app, "days=30").await;
}
