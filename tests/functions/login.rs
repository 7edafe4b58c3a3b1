//! A deployed function asks who is calling, takes the gateway's word where it is told to, and writes its audit into its log.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection};
use tests::made;
use tests::{Answer, Database, Function, Gateway, Program, Question};

const KEY: &str = "sk-alice-xyzzy";

/// A request of alice's and one of bob's, and alice's key.
async fn database(name: &str) -> Arc<Database> {
    let start: DateTime<Utc> = Utc::now() - TimeDelta::hours(1);
    let prompt = json!({"messages": [{"role": "user", "content": "xyzzy-prompt"}]});
    let request = |user: &str| made::row(user, start, json!({"user": user, "proxy_server_request": prompt}));
    let database = made::database(name, &[request("alice"), request("bob")]).await;
    let mut conn = database.connect().await;
    let hash = format!("{:x}", Sha256::digest(KEY));
    let sql = format!(r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id) VALUES ('{hash}', 'alice')"#);
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the key is there");
    conn.close().await.expect("closed");
    database
}

/// The function requests with these settings.
async fn start(name: &str, settings: &[(&str, &str)]) -> Function {
    let program = Program::built("requests");
    let program = program.env("DATABASE_URL", database(name).await.url()).env("ALLOW_ANONYMOUS", "");
    let program = settings.iter().fold(program, |program, (name, value)| program.env(name, *value));
    program.start().await
}

fn messages(id: &'static str, headers: Vec<(&'static str, &'static str)>) -> Question {
    Question { headers, ..Question::get("requests", "/api/v1/requests/{request_id}/messages", id, "") }
}

async fn ask(function: &Function, gateway: Gateway, event: &Value) -> Answer {
    gateway.answer(&function.respond(event).await)
}

fn audit(function: &Function) -> Vec<Value> {
    let lines = function.log().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    lines.filter(|line| line["log"] == "audit").collect()
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_litellm_key_opens_its_users_rows_through_every_gateway() {
    // No level keeps the audit back.
    let settings = [("AUTH_MODE", "litellm"), ("LOG_LEVEL", "ERROR"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
    let function = start("function_login_key", &settings).await;
    for gateway in Gateway::ALL {
        let bearer = ("Authorization", "Bearer sk-alice-xyzzy");
        let signed = ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE");
        for (question, status) in [
            (messages("alice", vec![bearer]), 200),
            (messages("alice", vec![signed, ("X-LiteLLM-API-Key", KEY)]), 200),
            (messages("bob", vec![bearer]), 404),
            (messages("alice", vec![]), 401),
            (messages("alice", vec![signed]), 401),
            (messages("alice", vec![("Authorization", "Bearer sk-nobodys")]), 401),
        ] {
            let answer = ask(&function, gateway, &gateway.event(&question)).await;
            assert_eq!(answer.status, status, "{gateway:?}, {:?}: {}", question.headers, answer.text);
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{gateway:?}");
        }
    }
    let count = |event: &str| audit(&function).iter().filter(|line| line["event"] == event).count();
    let counts = || (count("content_read"), count("login_failed"));
    let expected = (3 * Gateway::ALL.len(), 2 * Gateway::ALL.len());
    // The last lines may be on their way.
    for _ in 0..50 {
        if counts() == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(counts(), expected);
    for line in function.log() {
        assert!(!line.contains("xyzzy"), "the log has a key or a prompt: {line}");
        assert!(line.contains("\"audit\""), "below its level: {line}");
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn the_claims_that_a_gateway_verified_are_a_login_where_it_is_trusted() {
    let settings = [("AUTH_MODE", "jwt"), ("JWT_VERIFIED_BY_GATEWAY", "true"), ("JWT_ROLE_CLAIM", "cognito:groups")];
    let function = start("function_login_claims", &settings).await;
    let expires = (Utc::now() + TimeDelta::hours(1)).timestamp().to_string();
    let claims = |sub: &str, groups: &str| json!({"iss": "https://login.example.com", "sub": sub, "exp": expires, "cognito:groups": groups, "client_id": "x"});
    let question = messages("bob", vec![("Authorization", "Bearer header.claims.signature")]);
    for (gateway, place) in [
        (Gateway::HttpApi, "/requestContext/authorizer/jwt/claims"),
        (Gateway::RestApi, "/requestContext/authorizer/claims"),
    ] {
        for (claims, status) in [
            (Some(claims("bob", "[staff]")), 200),
            (Some(claims("alice", "[staff]")), 404),
            (Some(claims("alice", "[staff proxy_admin_viewer]")), 200),
            (None, 401),
        ] {
            let mut event = gateway.event(&question);
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": {}}, "claims": {}});
            match claims {
                Some(claims) => *event.pointer_mut(place).expect("the authorizer's place") = claims,
                None => event["requestContext"]["authorizer"] = json!(null),
            }
            let answer = ask(&function, gateway, &event).await;
            assert_eq!(answer.status, status, "{gateway:?}: {}", answer.text);
        }
    }
}
