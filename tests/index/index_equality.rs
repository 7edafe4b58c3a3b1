//! With an index the API says what it says without one, to the last digit.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use tests::database::run;
use tests::expected::Dice;
use tests::{Database, Pair, encode, endpoints, index, rows};

const GRANULARITIES: [&str; 6] = ["", "15m", "hour", "day", "week", "month"];
const ZONES: [&str; 4] = ["UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"];
const DIMENSIONS: [&str; 9] = ["model", "agent", "user", "end_user", "team", "key", "provider", "tag", "tool"];
const SORTS: [&str; 6] = ["start", "last_activity", "cost", "tokens", "duration", "requests"];
/// Some with odd borders, and some across a change of the clocks: on Lord Howe by half an hour.
const WINDOWS: [&str; 7] = [
    "days=30",
    "start_date=2026-10-20T10:07:13.123Z&end_date=2026-11-23T09:41:59.999Z",
    "start_date=2026-03-01&end_date=2026-11-15",
    "start_date=2025-12-01T23:59:59.999Z&end_date=2026-11-23T09:53:22.032Z",
    "start_date=2026-10-30&end_date=2026-11-03",
    "start_date=2026-10-03&end_date=2026-10-06T12:34:56.789",
    "start_date=2026-11-20T09:14:00Z&end_date=2026-11-20T09:16:00Z",
];

fn newest() -> DateTime<Utc> {
    Release::V1_109_1.newest().expect("the release has rows").and_utc()
}

/// What the clock says in these tests.
pub fn now() -> DateTime<Utc> {
    newest() + TimeDelta::hours(1)
}

/// A database of its own with the rows of a release: many sessions at other times of the last year, some of them with
/// weeks between their requests.
pub async fn spread(name: &str, release: Release) -> Arc<Database> {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    let shift = newest() - release.newest().expect("the release has rows").and_utc();
    fixtures::load_schema(&mut conn, release).await.expect("the schema loads");
    fixtures::load_rows(&mut conn, release, Some(shift)).await.expect("the rows load");
    let session = if release == Release::V1_61_20 { "s.end_user" } else { "s.session_id" };
    let sql = format!(
        r#"WITH d AS (SELECT s.request_id,
               CASE WHEN abs(hashtext(COALESCE({session}, ''))) % 4 = 0 THEN interval '0'
                    ELSE abs(hashtext(COALESCE({session}, ''))) % 300 * interval '1 day' END
               + CASE WHEN abs(hashtext(COALESCE({session}, '') || '.')) % 3 > 0 THEN interval '0'
                      ELSE abs(hashtext(s.request_id)) % 60 * interval '15 hours 13 minutes 1.507 seconds' END AS earlier
               FROM "LiteLLM_SpendLogs" s)
           UPDATE "LiteLLM_SpendLogs" s SET "startTime" = s."startTime" - d.earlier, "endTime" = s."endTime" - d.earlier,
               "completionStartTime" = s."completionStartTime" - d.earlier
           FROM d WHERE d.request_id = s.request_id;
           DO $$ BEGIN IF to_regclass('"LiteLLM_SpendLogToolIndex"') IS NOT NULL THEN
               UPDATE "LiteLLM_SpendLogToolIndex" t SET start_time = s."startTime" FROM "LiteLLM_SpendLogs" s
               WHERE s.request_id = t.request_id; END IF; END $$;
           ANALYZE"#
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.expect("the rows are spread");
    conn.close().await.expect("closed");
    Arc::new(database)
}

/// The endpoints of the analytics, and the names of their parameters.
fn analytics() -> Vec<endpoints::Endpoint> {
    let all = endpoints::over_the_log();
    all.into_iter().filter(|endpoint| endpoint.path.starts_with("/api/v1/analytics/")).collect()
}

/// A question for an endpoint of the analytics: parameters that it does not take are left out.
fn question(endpoint: &endpoints::Endpoint, parameters: &[(&str, &str)]) -> String {
    let mut path = endpoint.path.clone();
    let mut mark = '?';
    for (name, value) in parameters.iter().filter(|(name, value)| !value.is_empty() && endpoint.takes(name)) {
        path.extend([&mark.to_string(), *name, "=", &encode(value)]);
        mark = '&';
    }
    path
}

/// A window as parameters.
fn window(text: &'static str) -> Vec<(&'static str, &'static str)> {
    text.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

/// Conditions that rows of the release fulfil, and one that none does.
fn filters() -> [Vec<(&'static str, &'static str)>; 15] {
    [
        vec![],
        vec![("agent_name", "support-bot")],
        vec![("user_id", "alice")],
        vec![("team_id", "team-support")],
        vec![("model", "gpt-4o-mini")],
        vec![("user_id", "unknown")],
        vec![("team_id", "team-data"), ("user_id", "bob")],
        vec![("user_id", "alice"), ("user_id", "bob")],
        vec![("model", "gpt-4o-mini"), ("model", "gemini-2.5-flash")],
        vec![("key", "support-bot-prod")],
        vec![("key", "support-bot-prod"), ("provider", "openai")],
        vec![("end_user", "customer-17")],
        vec![("tag", "production"), ("tag", "untagged")],
        vec![("provider", "openai")],
        vec![("session_id", "shared-session-01")],
    ]
}

/// Asks the analytics for everything that can be asked, though not for every combination.
async fn ask_analytics(pair: &Pair, dice: &mut Dice, combinations: usize) {
    for endpoint in analytics() {
        for granularity in GRANULARITIES {
            for _ in 0..combinations {
                let mut parameters = window(WINDOWS[dice.below(WINDOWS.len())]);
                parameters.extend(dice.pick(&filters()).clone());
                parameters.extend([
                    ("details", "true"),
                    ("granularity", granularity),
                    ("timezone", ZONES[dice.below(ZONES.len())]),
                ]);
                parameters.push(("compare", ["", "previous"][dice.below(2)]));
                parameters.push(("top", ["", "1", "3"][dice.below(3)]));
                parameters.push(("group_by", DIMENSIONS[dice.below(DIMENSIONS.len())]));
                pair.get_about(&question(&endpoint, &parameters)).await;
                parameters.push(("exact", "true"));
                pair.get(&question(&endpoint, &parameters)).await;
            }
        }
    }
}

/// Asks for every dimension and every pair of them.
async fn ask_groups(pair: &Pair, window: &'static str) {
    for first in DIMENSIONS {
        for more in ["", "&prefix=u&limit=3", "&user_id=alice", "&provider=openai&model=gpt-4o-mini"] {
            pair.get(&format!("/api/v1/facets/{first}?{window}&limit=1000{more}")).await;
        }
        let path = format!("/api/v1/analytics/latency?{window}&group_by={first}&details=true");
        pair.get_about(&path).await;
        pair.get(&format!("{path}&exact=true&granularity=month")).await;
        for second in DIMENSIONS {
            let group_by = if first == second { first.to_owned() } else { format!("{first},{second}") };
            let path = format!("/api/v1/analytics/cost-breakdown?{window}&group_by={group_by}&details=true");
            pair.get(&format!("{path}&exact=true&top=7")).await;
        }
    }
}

/// Asks for sessions in every order and by every condition, page by page.
async fn ask_sessions(pair: &Pair) {
    let mut found = 0;
    for sort in SORTS {
        for order in ["asc", "desc"] {
            found += pair.all_pages(&format!("/api/v1/sessions?sort={sort}&order={order}&limit=100")).await.len();
        }
    }
    assert!(found > 600, "only {found} sessions");
    let conditions = [
        "agent_name=support-bot",
        "user_id=alice",
        "user_id=unknown",
        "model=gpt-4o-mini",
        "model=openai/gpt-4o-mini",
        "end_user=customer-17",
        "team_id=team-support",
        "tag=untagged",
        "tag=production",
        "conversation_name=default",
        "min_cost=0.0005&max_cost=0.01",
        "min_requests=2",
        "has_tool_calls=true",
        "has_tool_calls=false&status=success",
        "status=failure",
        "user_id=alice&model=gpt-4o-mini&min_requests=2",
        "user_id=alice&user_id=bob",
        "user_id=alice&user_id=bob&model=gpt-4o-mini&model=unknown",
        "provider=openai",
        "provider=openai&provider=gemini&start_date=2026-06-01",
        "tool=lookup_order&user_id=alice",
        "tool=lookup_order&tool=search_flights",
        "key=support-bot-prod",
        "key=support-bot-prod&key=unknown&status=failure",
        "id_prefix=travel",
        "id_prefix=chatcmpl&agent_name=unknown",
        "min_tokens=500&min_duration=2",
        "start_date=2026-10-20T10:07:13.123Z&end_date=2026-11-20T09:41:59.999Z",
        "start_date=2026-03-01&end_date=2026-10-04&timezone=Australia/Lord_Howe&user_id=alice",
    ];
    for (place, condition) in conditions.into_iter().enumerate() {
        let (sort, order) = (SORTS[place % 6], ["asc", "desc"][place % 2]);
        pair.all_pages(&format!("/api/v1/sessions?{condition}&sort={sort}&order={order}&limit=50")).await;
        pair.get(&format!("/api/v1/sessions?{condition}&limit=7&offset=3&count=true")).await;
        if !["min_requests", "max_", "id_prefix"].iter().any(|start| condition.contains(start)) {
            pair.all_pages(&format!("/api/v1/requests?{condition}&limit=200")).await;
        }
        let mut body = serde_json::Map::new();
        for (name, value) in condition.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            let earlier = body.remove(name);
            body.insert(name.to_owned(), earlier.map_or(value.clone(), |earlier| json!([earlier, value])));
        }
        pair.post(&format!("/api/v1/sessions/search?sort={sort}&limit=20"), &body.into()).await;
    }
    for class in ["", "days=3", WINDOWS[6]] {
        pair.get(&format!("/api/v1/facets/error_class?{class}")).await;
    }
    for since in [TimeDelta::minutes(5), TimeDelta::hours(30), TimeDelta::days(200)] {
        let since = encode(&(now() - since).to_rfc3339());
        pair.all_pages(&format!("/api/v1/requests?since={since}&order=asc&limit=100&count=true")).await;
        pair.get(&format!("/api/v1/requests?since={since}&status=failure&limit=1000")).await;
    }
    for condition in [
        "session_id=shared-session-01",
        "session_id=shared-session-01&session_id=nobody&status=failure",
        "call_type=acompletion&call_type=unknown",
        "error_class=RateLimitError&error_class=unknown",
        "has_tool_calls=true&min_cost=0.0001&min_tokens=100&min_duration=0.25",
    ] {
        pair.all_pages(&format!("/api/v1/requests?{condition}&limit=200")).await;
    }
}

/// Asks for single sessions and requests.
pub async fn ask_details(pair: &Pair, release: Release, step: usize) {
    let log = rows::log(release);
    pair.all_pages("/api/v1/requests?limit=500").await;
    for row in log.iter().step_by(step) {
        let session = encode(
            if release == Release::V1_61_20 { rows::text(row, "request_id") } else { None }
                .unwrap_or_else(|| rows::session(row)),
        );
        let request = encode(row["request_id"].as_str().expect("an id"));
        pair.get(&format!("/api/v1/sessions/{session}/summary")).await;
        pair.get(&format!("/api/v1/sessions/{session}/timeline")).await;
        pair.get(&format!("/api/v1/sessions/{session}/timeline?content=summary&call_ids=true")).await;
        pair.all_pages(&format!("/api/v1/sessions/{session}/messages?limit=3")).await;
        let around = pair.get(&format!("/api/v1/sessions/{session}/messages?limit=3&around={request}")).await;
        if let Some(previous) = around.previous() {
            pair.get(&previous).await;
        }
        if let Some(other) = log.get(log.len() / 2).map(rows::session).filter(|other| encode(other) != session) {
            let path = format!("/api/v1/sessions/diff?a={session}&b={}", encode(other));
            pair.get(&path).await;
            pair.get(&format!("{path}&content=none")).await;
        }
        pair.get(&format!("/api/v1/requests/{request}")).await;
        pair.get(&format!("/api/v1/requests/{request}/messages")).await;
    }
    for path in [
        "sessions/none/timeline",
        "sessions/none/summary",
        "sessions/none/messages",
        "requests/none",
        "requests/none/messages",
        "sessions/diff?a=none&b=nothing",
    ] {
        pair.get(&format!("/api/v1/{path}")).await;
    }
}

#[test]
fn every_endpoint_is_asked() {
    let asked = ["sessions", "sessions/search", "sessions/{session_id}/summary", "sessions/{session_id}/messages"];
    let asked = asked.into_iter().chain(["sessions/{session_id}/timeline"]);
    let asked = asked.chain(["requests", "requests/{request_id}", "requests/{request_id}/messages"]);
    let asked: Vec<String> = asked.map(|path| format!("/api/v1/{path}")).collect();
    for endpoint in endpoints::over_the_log() {
        // The caller is told whether there is an index.
        let elsewhere = ["/api/v1/analytics/", "/api/v1/facets/", "/api/v1/reports/", "/api/v1/me"];
        let is_asked = asked.contains(&endpoint.path) || elsewhere.iter().any(|path| endpoint.path.starts_with(path));
        assert!(is_asked && (endpoint.method == Method::GET || endpoint.path.ends_with("/search")), "{endpoint:?}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_newest_release_says_the_same_with_an_index() {
    let database = spread("index_equal_new", Release::V1_109_1).await;
    index::fill(&database).await;
    index::assert_sound(&database).await;
    let pair = Pair::over(&database, now());
    ask_analytics(&pair, &mut Dice(1), 1).await;
    ask_groups(&pair, WINDOWS[1]).await;
    ask_sessions(&pair).await;
    ask_details(&pair, Release::V1_109_1, 41).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_old_release_says_the_same_with_an_index() {
    let database = spread("index_equal_old", Release::V1_61_20).await;
    index::fill(&database).await;
    index::assert_sound(&database).await;
    let pair = Pair::over(&database, now());
    ask_analytics(&pair, &mut Dice(2), 2).await;
    ask_groups(&pair, WINDOWS[3]).await;
    ask_sessions(&pair).await;
    ask_details(&pair, Release::V1_61_20, 7).await;
}

/// A key for one user, one team, one agent, and for a user and a team.
pub fn service_keys() -> (String, [&'static str; 4]) {
    let scopes = [
        ("one-user", json!({"users": ["alice"]})),
        ("one-team", json!({"teams": ["team-data"]})),
        ("one-agent", json!({"agents": ["support-bot"]})),
        ("user-and-team", json!({"users": ["alice"], "teams": ["team-data"]})),
    ];
    let key = |(name, scope): &(&str, Value)| {
        let sha256 = format!("{:x}", Sha256::digest(name));
        json!({"name": name, "sha256": sha256, "scope": scope, "content": true})
    };
    (Value::from(scopes.iter().map(key).collect::<Vec<_>>()).to_string(), scopes.map(|(name, _)| name))
}

/// A few of all kinds of questions: what is asked again in many circumstances.
pub async fn ask_some(pair: &Pair, dice: &mut Dice) {
    for endpoint in analytics() {
        for text in WINDOWS.into_iter().skip(dice.below(2)).step_by(2) {
            let mut parameters = window(text);
            let [granularity, zone] = [dice.below(GRANULARITIES.len()), dice.below(ZONES.len())];
            parameters.extend(dice.pick(&filters()).clone());
            parameters.extend([("details", "true"), ("exact", "true"), ("timezone", ZONES[zone])]);
            parameters.extend([("granularity", GRANULARITIES[granularity])]);
            parameters.push(("group_by", DIMENSIONS[dice.below(DIMENSIONS.len())]));
            pair.get(&question(&endpoint, &parameters)).await;
        }
    }
    for sort in SORTS {
        let (start, user) =
            (["", "&start_date=2026-10-20T10:07:13.123Z"], ["", "&user_id=alice", "&model=gpt-4o-mini"]);
        let condition = format!("{}{}", start[dice.below(2)], user[dice.below(3)]);
        pair.all_pages(&format!("/api/v1/sessions?sort={sort}&limit=100{condition}")).await;
    }
    pair.get("/api/v1/requests?limit=300&count=true").await;
    for dimension in DIMENSIONS {
        pair.get(&format!("/api/v1/facets/{dimension}?{}", WINDOWS[dice.below(WINDOWS.len())])).await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn callers_who_see_some_rows_only_are_told_the_same_with_an_index() {
    let database = spread("index_equal_scoped", Release::V1_109_1).await;
    // Sessions that several users and teams have a part in.
    run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET session_id = 'shared' WHERE abs(hashtext(request_id)) % 9 = 0"#)
        .await;
    index::fill(&database).await;
    let pair = Pair::over(&database, now());
    let (keys, names) = service_keys();
    for name in names {
        let scoped = pair.for_key(&keys, name);
        let total = scoped.get("/api/v1/analytics/overview?days=365&details=true&exact=true").await.ok();
        assert!(total["total_requests"].as_i64() > Some(20), "{name}: {total}");
        ask_some(&scoped, &mut Dice(3)).await;
        scoped.get("/api/v1/sessions/shared/summary").await;
        scoped.get("/api/v1/sessions/shared/timeline?content=summary").await;
        scoped.all_pages("/api/v1/sessions/shared/messages?limit=50").await;
        scoped.get("/api/v1/sessions/diff?a=shared&b=shared-session-01").await;
    }
}

/// Whatever is rolled up so far, and whatever of it is marked as out of date.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn roll_ups_that_are_missing_or_stale_change_no_answer() {
    let database = spread("index_equal_stale", Release::V1_109_1).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, now());
    let states = [
        // Every seventh quarter of an hour with a request, and some without.
        "INSERT INTO traceability.stale (quarter) SELECT DISTINCT p.starts + p.starts % 3 FROM traceability.rollups p \
         WHERE p.level = 0 AND p.starts % 7 = 0 ON CONFLICT DO NOTHING",
        "INSERT INTO traceability.stale (quarter) SELECT DISTINCT p.starts FROM traceability.rollups p \
         WHERE p.level = 0 ON CONFLICT DO NOTHING",
        // What lies behind is no longer to be used.
        "TRUNCATE traceability.stale; UPDATE traceability.state SET rolled_until = (SELECT \
         percentile_disc(0.5) WITHIN GROUP (ORDER BY p.starts) FROM traceability.rollups p WHERE p.level = 0)",
        "UPDATE traceability.state SET rolled_until = 0",
        "UPDATE traceability.state SET ready = false",
    ];
    for (seed, state) in (4..).zip(states) {
        run(&database, state).await;
        ask_some(&pair, &mut Dice(seed)).await;
    }
}

/// Windows, conditions and groups as chance has them.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn whatever_is_asked_is_answered_the_same_with_an_index() {
    let database = spread("index_equal_random", Release::V1_109_1).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, now());
    let all = analytics();
    let mut dice = Dice(7);
    for _ in 0..120 {
        let milliseconds = [60_000, 900_000, 86_400_000, 2_678_400_000, 31_000_000_000][dice.below(5)];
        let end = now() - TimeDelta::milliseconds(dice.below(20_000_000_000) as i64 * dice.below(2) as i64);
        let start = end - TimeDelta::milliseconds(1 + dice.below(milliseconds) as i64);
        let time = |instant: DateTime<Utc>| instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let (start, end) = (time(start), time(end));
        let mut group_by = DIMENSIONS[dice.below(9)].to_owned();
        let second = DIMENSIONS[dice.below(9)];
        if dice.one_in(2) && group_by != second {
            group_by = format!("{group_by},{second}");
        }
        let mut parameters = vec![("start_date", start.as_str()), ("end_date", &end), ("group_by", &group_by)];
        parameters.extend([("details", "true"), ("exact", "true"), ("timezone", ZONES[dice.below(4)])]);
        parameters
            .extend([("granularity", GRANULARITIES[dice.below(6)]), ("compare", ["", "previous"][dice.below(2)])]);
        parameters.extend(dice.pick(&filters()).clone());
        let endpoint = &all[dice.below(all.len())];
        pair.get(&question(endpoint, &parameters)).await;
    }
}
