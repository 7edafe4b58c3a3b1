//! Tokens of a company's login open what their claims say, and nothing once they or their issuer fail. What makes a token
//! good is tested where it is judged; here it is asked with.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::issuer::Issuer;
use tests::made;
use tests::{App, Logs};
use traceability_core::clock::Clock;

const LISTING: &str = "/api/v1/requests";

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn in_an_hour() -> i64 {
    noon().timestamp() + 3600
}

async fn app(name: &str, issuer: &Issuer) -> App {
    let request = |id: &str, user: &str, team: &str| {
        made::row(id, noon() - TimeDelta::hours(1), json!({"user": user, "team_id": team}))
    };
    let rows = [request("alices", "alice", ""), request("bobs", "bob", "data"), request("carols", "carol", "data")];
    let app = App::over(made::database(name, &rows).await, noon(), &[]);
    let settings = issuer.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.with_access(&settings)
}

async fn ids(app: &App, token: &str) -> Vec<String> {
    let list = app.with_key(token).get(LISTING).await.ok();
    list.as_array().expect("a list").iter().map(|row| row["request_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn claims_say_whose_rows_and_the_audit_who_read_them() {
    let issuer = Issuer::start(Duration::ZERO).await;
    let app = app("tokens_claims", &issuer).await;
    for (claims, expected) in [
        (json!({"sub": "alice"}), &["alices"][..]),
        (json!({"sub": "alice", "groups": ["data"]}), &["carols", "bobs", "alices"]),
        (json!({"sub": "stranger", "groups": "data other"}), &["carols", "bobs"]),
        (json!({"sub": "stranger", "roles": ["reader"]}), &[]),
        (json!({"sub": "root", "roles": ["reader", "proxy_admin_viewer"]}), &["carols", "bobs", "alices"]),
    ] {
        assert_eq!(ids(&app, &issuer.token(in_an_hour(), &claims)).await, expected, "{claims}");
    }
    assert_eq!(issuer.asked(), 1, "the keys are kept");
    let _ = app.with_key(&issuer.token(in_an_hour(), &json!({"sub": "bob"}))).get("/api/v1/requests/bobs").await.ok();
    let line = &app.audit.take()[0];
    assert_eq!((&line["login"], &line["outcome"]), (&json!("token"), &json!("read")));
    assert_eq!(line["principal"], format!("{}#bob", issuer.url()));
}

#[tokio::test]
async fn a_bad_token_is_401_and_says_nothing_of_why() {
    let issuer = Issuer::start(Duration::ZERO).await;
    let other = Issuer::start(Duration::ZERO).await;
    let app = app("tokens_bad", &issuer).await;
    let good = issuer.token(in_an_hour(), &json!({"sub": "xyzzy"}));
    assert_eq!(ids(&app, &good).await, Vec::<String>::new());
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let logs = Logs::collect();
    let mut details = Vec::new();
    for (what, token) in [
        ("expired", issuer.token(noon().timestamp() - 61, &json!({"sub": "alice"}))),
        ("of the future", issuer.token(in_an_hour(), &json!({"nbf": noon().timestamp() + 61}))),
        ("for others", issuer.token(in_an_hour(), &json!({"aud": "others"}))),
        ("for nobody", issuer.token(in_an_hour(), &json!({"aud": null}))),
        ("of others", issuer.token(in_an_hour(), &json!({"iss": "https://login.example.com"}))),
        ("signed by others", other.token(in_an_hour(), &json!({"iss": issuer.url()}))),
        ("without a signature", unsigned),
        ("with half of one", good[..good.len() - 20].to_owned()),
        (
            "with another's claims",
            format!(
                "{}.{}.{}",
                parts[0],
                &issuer.token(in_an_hour(), &json!({})).split('.').nth(1).expect("claims"),
                parts[2]
            ),
        ),
        ("a LiteLLM key", "sk-alice".to_owned()),
    ] {
        let problem = app.with_key(&token).get(LISTING).await.problem(401);
        details.push(problem["detail"].clone());
        assert_eq!(app.audit.take().len(), 1, "{what}");
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    // Within the leeway a clock may be off.
    assert_eq!(ids(&app, &issuer.token(noon().timestamp() - 59, &json!({"sub": "alice"}))).await, ["alices"]);
    for line in logs.take() {
        assert!(!line.contains("xyzzy") && !line.contains(parts[1]) && !line.contains(parts[2]), "{line}");
    }
}

#[tokio::test]
async fn who_is_nobody_to_litellm_is_told_so() {
    let issuer = Issuer::start(Duration::ZERO).await;
    let app = app("tokens_nobody", &issuer).await;
    let mut settings = issuer.settings();
    settings.push(("JWT_USER_CLAIM", "litellm_user".into()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = app.with_access(&settings);
    let problem = app.with_key(&issuer.token(in_an_hour(), &json!({"sub": "alice"}))).get(LISTING).await.problem(403);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("names neither a user")), "{problem}");
    assert_eq!(ids(&app, &issuer.token(in_an_hour(), &json!({"litellm_user": "alice"}))).await, ["alices"]);
}

#[tokio::test]
async fn an_issuer_that_fails_turns_nobody_away_for_good() {
    let slow = Issuer::start(Duration::from_mins(1)).await;
    let app_of_slow = app("tokens_slow", &slow).await;
    let token = slow.token(in_an_hour(), &json!({"sub": "alice"}));
    let answer = app_of_slow.with_key(&token).get(LISTING).await;
    let problem = answer.problem(503);
    assert!(problem["type"].as_str().is_some_and(|kind| kind.ends_with("issuer-unavailable")), "{problem}");
    assert!(answer.headers.contains_key("retry-after"));

    // Known keys outlive an issuer that is gone.
    let issuer = Issuer::start(Duration::ZERO).await;
    let app = app("tokens_down", &issuer).await;
    let claims = json!({"sub": "alice"});
    assert_eq!(ids(&app, &issuer.token(in_an_hour(), &claims)).await, ["alices"]);
    let later = noon() + TimeDelta::hours(2);
    let token = issuer.token(later.timestamp() + 60, &claims);
    drop(issuer);
    let mut state = app.state.clone();
    state.clock = Clock::fixed(later);
    let app = App::with_state(Arc::clone(&app.database), later, state);
    assert_eq!(ids(&app, &token).await, ["alices"]);
}

#[tokio::test]
async fn claims_in_a_request_count_only_where_the_gateway_vouches_for_them() {
    use traceability_http::caller::GatewayClaims;

    let issuer = Issuer::start(Duration::ZERO).await;
    let app = app("tokens_gateway", &issuer).await;
    let claims = json!({"iss": issuer.url(), "aud": "llm-traceability", "sub": "alice", "exp": in_an_hour().to_string(), "groups": "[data]"});
    let Value::Object(claims) = claims else { unreachable!() };
    let ask = |app: App| {
        let mut request = http::Request::get(LISTING).body(axum::body::Body::empty()).expect("a request");
        request.extensions_mut().insert(GatewayClaims(claims.clone()));
        async move { app.send(request).await }
    };
    let _ = ask(app.clone()).await.problem(401);
    let mut settings = issuer.settings();
    settings.push(("JWT_VERIFIED_BY_GATEWAY", "true".into()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let trusting = app.with_access(&settings);
    assert_eq!(ask(trusting.clone()).await.ok().as_array().map(Vec::len), Some(3));
    // A token that the gateway has not seen is none.
    let _ = trusting.with_key(&issuer.token(in_an_hour(), &json!({"sub": "alice"}))).get(LISTING).await.problem(401);
    assert_eq!(issuer.asked(), 0, "nothing was to be verified here");
}
