//! Getting in, and not getting in.

use std::sync::Arc;

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use local::fixtures::SCHEMA_VERSIONS;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection};
use tests::database::run;
use tests::made;
use tests::{Answer, App, Logs};
use traceability_core::clock::Clock;

const ALICE: &str = "sk-alice-4711-xyzzy";
const LISTING: &str = "/api/v1/requests";

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn hash(key: &str) -> String {
    format!("{:x}", Sha256::digest(key))
}

/// The same API, that much later.
fn later(app: &App, seconds: i64) -> App {
    let now = noon() + TimeDelta::seconds(seconds);
    let mut state = app.state.clone();
    state.clock = Clock::fixed(now);
    App::with_state(Arc::clone(&app.database), now, state)
}

/// A log with a request of alice's and one of bob's, and keys in all conditions.
async fn app(name: &str) -> App {
    let request = |id: &str, user: &str| made::row(id, noon() - TimeDelta::hours(1), json!({"user": user}));
    let database = made::database(name, &[request("alices", "alice"), request("bobs", "bob")]).await;
    let keys = [
        (ALICE, "'alice', NULL, NULL, 'default', '{}'"),
        ("sk-expired", "'alice', '2026-11-20 11:59:59', NULL, 'default', '{}'"),
        ("sk-short", "'alice', '2026-11-20 12:00:10', NULL, 'default', '{}'"),
        ("sk-blocked", "'alice', NULL, true, 'default', '{}'"),
        ("sk-models", "'alice', NULL, NULL, 'llm_api', '{}'"),
        ("sk-chat", "'alice', NULL, NULL, 'default', '{/chat/completions}'"),
        ("no-prefix", "'alice', NULL, NULL, 'default', '{}'"),
    ];
    let rows: Vec<String> = keys.iter().map(|(key, values)| format!("('{}', {values})", hash(key))).collect();
    let sql = format!(
        r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id, expires, blocked, key_type, allowed_routes) VALUES {}"#,
        rows.join(", ")
    );
    run(&database, &sql).await;
    let keys = json!([{"name": "wall", "sha256": hash("trace-wall"), "scope": "all"}]).to_string();
    App::over(database, noon(), &[]).with_access(&[
        ("AUTH_MODE", "litellm,keys"),
        ("SERVICE_KEYS", &keys),
        ("LITELLM_MASTER_KEY", "sk-master"),
    ])
}

async fn send(app: &App, headers: &[(&str, &[u8])]) -> Answer {
    let mut request = Request::get(LISTING);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

fn ids(answer: &Answer) -> Vec<String> {
    let list = answer.ok();
    list.as_array().expect("a list").iter().map(|row| row["request_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn what_one_has_already_lets_one_in() {
    let app = app("login_good").await;
    let bearer = |key: &str| format!("Bearer {key}").into_bytes();
    for (headers, expected) in [
        (vec![("authorization", bearer(ALICE))], &["alices"][..]),
        (vec![("x-litellm-api-key", ALICE.into())], &["alices"]),
        (vec![("x-litellm-api-key", bearer(ALICE))], &["alices"]),
        // LiteLLM's own header wins: the other may be a gateway's signature.
        (
            vec![("authorization", b"AWS4-HMAC-SHA256 Credential=x".to_vec()), ("x-litellm-api-key", ALICE.into())],
            &["alices"],
        ),
        (vec![("authorization", bearer("sk-master"))], &["bobs", "alices"]),
        (vec![("authorization", bearer("trace-wall"))], &["bobs", "alices"]),
    ] {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        assert_eq!(ids(&send(&app, &headers).await), expected, "{:?}", headers[0].0);
    }
    // Everything else follows from who it is: a filter for others finds nothing.
    let alice = app.with_key(ALICE);
    for filter in ["user_id=bob", "user_id=unknown", "team_id=any"] {
        assert_eq!(alice.get(&format!("{LISTING}?{filter}")).await.ok(), json!([]), "{filter}");
    }
    assert_eq!(app.audit.take(), Vec::<Value>::new(), "nothing failed, and nothing was read");
}

#[tokio::test]
async fn what_opens_nothing_is_401_and_says_nothing_of_why() {
    let app = app("login_bad").await;
    let huge = format!("Bearer sk-{}", "a".repeat(20_000)).into_bytes();
    let hashed = format!("Bearer {}", hash(ALICE)).into_bytes();
    let logs = Logs::collect();
    let missing = send(&app, &[]).await;
    assert_eq!(missing.headers["www-authenticate"], "Bearer realm=\"llm-traceability-api\"");
    let _ = missing.problem(401);
    assert_eq!(app.audit.take(), Vec::<Value>::new(), "who brings nothing has not tried");
    let mut bodies = Vec::new();
    for value in [
        &b"Basic YWxpY2U6c2VjcmV0"[..],
        b"sk-alice-4711-xyzzy",
        b"Bearer",
        b"Bearer ",
        b"Bearer sk-",
        b"Bearer sk-nobodys",
        b"Bearer sk-' OR true; --",
        b"Bearer sk-';DROP/**/TABLE/**/\"LiteLLM_SpendLogs\";--",
        b"Bearer sk-expired",
        b"Bearer sk-blocked",
        // LiteLLM's keys begin with sk-; whoever reads a hash in its database has not got a key.
        b"Bearer no-prefix",
        &hashed,
        b"Bearer sk-alice-4711-xyzz\xc3\xbf",
        b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
        b"Bearer sk-master ",
        b"Bearer SK-MASTER",
        &huge,
    ] {
        let answer = send(&app, &[("authorization", value)]).await;
        if value == b"Bearer sk-master " {
            // Blanks around are HTTP's, not the key's.
            assert_eq!(answer.status, 200);
            continue;
        }
        let problem = answer.problem(401);
        let challenge = "Bearer realm=\"llm-traceability-api\", error=\"invalid_token\"";
        assert_eq!(answer.headers["www-authenticate"], challenge, "{value:?}");
        bodies.push((problem["detail"].clone(), problem["title"].clone(), problem["type"].clone()));
        let failed = app.audit.take();
        assert_eq!(failed.len(), 1, "{value:?}: {failed:?}");
        assert_eq!((&failed[0]["event"], &failed[0]["route"]), (&json!("login_failed"), &json!(LISTING)));
        assert_eq!(failed[0]["request_id"], problem["request_id"]);
        assert!(!failed[0].to_string().contains("xyzzy"), "{}", failed[0]);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "answers differ: {bodies:?}");
    assert!(!missing.text.contains("sk-nobodys"));
    for line in logs.take() {
        assert!(!line.contains("xyzzy") && !line.contains(&hash(ALICE)), "the log has a key: {line}");
    }
    // Given twice, it is not clear which is meant.
    let _ = send(&app, &[("authorization", b"Bearer sk-master"), ("authorization", b"Bearer sk-nobodys")])
        .await
        .problem(401);
}

#[tokio::test]
async fn who_may_not_read_logs_is_told_so() {
    let app = app("login_forbidden").await;
    for key in ["sk-models", "sk-chat"] {
        let problem = app.with_key(key).get(LISTING).await.problem(403);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("may not read logs")), "{problem}");
    }
    assert_eq!(app.audit.take().len(), 2);
}

#[tokio::test]
async fn a_known_caller_costs_no_query_and_a_revoked_one_is_out_within_half_a_minute() {
    let app = app("login_cache").await;
    let keys = |logs: &Logs| logs.take_statements().iter().filter(|sql| sql.contains("VerificationToken")).count();
    let logs = Logs::collect();
    let alice = app.with_key(ALICE);
    assert_eq!(ids(&alice.get(LISTING).await), ["alices"]);
    // The catalogue is asked once, with the names of the tables as values.
    assert_eq!(keys(&logs), 1, "a caller who is not known yet costs one query");
    for _ in 0..3 {
        assert_eq!(ids(&alice.get(LISTING).await), ["alices"]);
    }
    assert_eq!(keys(&logs), 0, "a caller who is known costs none");

    app.state.db.close().await;
    let revoke = format!(r#"UPDATE "LiteLLM_VerificationToken" SET blocked = true WHERE token = '{}'"#, hash(ALICE));
    run(&app.database, &revoke).await;
    let app = {
        let mut state = app.state.clone();
        state.db = App::over(Arc::clone(&app.database), noon(), &[]).state.db;
        App::with_state(Arc::clone(&app.database), noon(), state)
    };
    assert_eq!(later(&app, 29).with_key(ALICE).get(LISTING).await.status, 200);
    let _ = later(&app, 30).with_key(ALICE).get(LISTING).await.problem(401);
    // A clock that jumps back does not bring it back to life.
    let _ = later(&app, -1).with_key(ALICE).get(LISTING).await.problem(401);
    // A key does not outlive its own end either.
    assert_eq!(later(&app, 5).with_key("sk-short").get(LISTING).await.status, 200);
    let _ = later(&app, 10).with_key("sk-short").get(LISTING).await.problem(401);
}

#[tokio::test]
async fn without_a_database_nobody_is_turned_away_for_good() {
    let app = tests::faults::api_at("postgres://nobody@127.0.0.1:9/litellm?sslmode=disable", &[]);
    let app = app.with_access(&[("AUTH_MODE", "litellm"), ("LITELLM_MASTER_KEY", "sk-master")]);
    // Whether a key is good is not known, so it is not said that it is bad.
    let answer = app.with_key(ALICE).get(LISTING).await;
    let _ = answer.problem(503);
    assert!(answer.headers.contains_key("retry-after"));
    let _ = app.get(LISTING).await.problem(401);
    let _ = app.with_key("sk-master").get(LISTING).await.problem(503);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_role_that_may_not_read_keys_is_told_what_it_needs() {
    let app = app("login_rights").await;
    let role = "traceability_test_login";
    run(
        &app.database,
        &format!(
            r#"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'hunter2';
               GRANT SELECT ON "LiteLLM_SpendLogs" TO {role}"#
        ),
    )
    .await;
    let mut url = url::Url::parse(app.database.url()).expect("a URL");
    url.set_username(role).and_then(|()| url.set_password(Some("hunter2"))).expect("a login");
    let limited = tests::faults::api_at(url.as_str(), &[]).with_access(&[("AUTH_MODE", "litellm")]);
    let limited = later(&limited, 0).with_key(ALICE);
    let logs = Logs::collect();
    let _ = limited.get(LISTING).await.problem(503);
    let lines = logs.take();
    assert!(lines.iter().any(|line| line.contains("GRANT SELECT") && line.contains("LiteLLM_UserTable")), "{lines:?}");
    // All that makes a key good, without what limits it.
    let grant = format!(
        r#"GRANT SELECT ON "LiteLLM_UserTable", "LiteLLM_TeamTable" TO {role};
           GRANT SELECT (token, user_id, team_id, expires, blocked, key_alias) ON "LiteLLM_VerificationToken" TO {role}"#
    );
    run(&app.database, &grant).await;
    let _ = limited.get(LISTING).await.problem(503);
    run(&app.database, &format!(r#"GRANT SELECT ON "LiteLLM_VerificationToken" TO {role}"#)).await;
    assert_eq!(ids(&limited.get(LISTING).await), ["alices"]);
    limited.state.db.close().await;
    run(&app.database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn headers_and_addresses_have_a_limit() {
    let app = app("login_limits").await;
    let long = vec![b'a'; 40_000];
    let answer = send(&app, &[("x-anything", &long), ("authorization", b"Bearer sk-master")]).await;
    assert!(answer.problem(431)["detail"].as_str().is_some_and(|detail| detail.contains("32768")));
    let answer = app.with_key("sk-master").get(&format!("{LISTING}?tag={}", "a".repeat(33_000))).await;
    let _ = answer.problem(414);
    let large = format!("{{\"tag\": \"{}\"}}", "a".repeat(1_100_000));
    // Who is not known does not get to send a body.
    let _ = app.post_text("/api/v1/sessions/search", &large, Some("application/json")).await.problem(401);
    let known = app.with_key("sk-master");
    let _ = known.post_text("/api/v1/sessions/search", &large, Some("application/json")).await.problem(413);
}

#[tokio::test]
async fn guessing_does_not_fill_the_audit_log() {
    let app = app("login_guessing").await;
    for number in 0..200 {
        let _ = app.with_key(&format!("trace-guess-{number}")).get(LISTING).await.problem(401);
    }
    assert_eq!(app.audit.take().len(), 30);
    let next = later(&app, 61);
    let _ = next.with_key("trace-guess").get(LISTING).await.problem(401);
    // Each of these has an audit log of its own in front of the test, but the service one count: see its unit test.
    assert_eq!(next.audit.take().len(), 1);
}

#[tokio::test]
async fn pages_of_other_origins_get_nothing_and_those_that_may_can_log_in() {
    use local::settings::Settings;
    use traceability_core::environment::Environment;
    use traceability_http::layers;

    let app = app("login_cors").await;
    let environment: Environment = [("ALLOWED_ORIGINS", "https://dashboard.example.com")].into_iter().collect();
    let origins = Settings::from_environment(&environment).expect("settings").origins;
    let router = layers::service(local::api::router(), app.state.clone()).layer(origins.layer());
    let ask = |method: &str, origin: &str| {
        let request = Request::builder().method(method).uri(LISTING).header("origin", origin);
        let request = match method {
            "OPTIONS" => request
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "authorization,x-litellm-api-key"),
            _ => request,
        };
        let request = request.body(Body::empty()).expect("a request");
        let router = router.clone();
        async move { tower::ServiceExt::oneshot(router, request).await.expect("a router cannot fail") }
    };
    for method in ["OPTIONS", "GET"] {
        let foreign = ask(method, "https://evil.example.com").await;
        assert!(!foreign.headers().contains_key("access-control-allow-origin"), "{method}");
        let known = ask(method, "https://dashboard.example.com").await;
        assert_eq!(known.headers()["access-control-allow-origin"], "https://dashboard.example.com", "{method}");
        if method == "OPTIONS" {
            let allowed = known.headers()["access-control-allow-headers"].to_str().expect("text").to_ascii_lowercase();
            assert!(allowed.contains("authorization") && allowed.contains("x-litellm-api-key"), "{allowed}");
        } else {
            // The page can tell that it has to log in.
            assert_eq!(known.status(), 401);
            let exposed = known.headers()["access-control-expose-headers"].to_str().expect("text").to_ascii_lowercase();
            assert!(exposed.contains("www-authenticate"), "{exposed}");
        }
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_login_is_one_look_up_by_an_index() {
    let app = app("login_plan").await;
    run(
        &app.database,
        r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id) SELECT md5(n::text), 'alice' FROM generate_series(1, 20000) n;
           INSERT INTO "LiteLLM_UserTable" (user_id, teams) SELECT 'user-' || n, '{}' FROM generate_series(1, 20000) n;
           INSERT INTO "LiteLLM_TeamTable" (team_id) SELECT 'team-' || n FROM generate_series(1, 20000) n; ANALYZE"#,
    )
    .await;
    let logs = Logs::collect();
    let _ = app.with_key(ALICE).get(LISTING).await.ok();
    let statements = logs.take_statements();
    let statement = statements.iter().find(|sql| sql.contains("VerificationToken")).expect("the look-up");
    let mut conn = app.database.connect().await;
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE key AS {statement}"))).execute(&mut conn).await.expect("prepared");
    let values = if statement.contains("$3") { "'x', 'x', now()::timestamp" } else { "'x'" };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE key ({values})");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(&mut conn).await.expect("a plan");
    let text = plan.to_string();
    assert!(!text.contains("Seq Scan"), "{plan:#}");
    assert!(SCHEMA_VERSIONS.len() >= 12 && text.contains("Index"), "{plan:#}");
    conn.close().await.expect("closed");
}
