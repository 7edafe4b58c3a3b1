//! A function that finds the database's login in AWS Secrets Manager, follows its rotation, and keeps it to itself.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tests::database::execute;
use tests::made;
use tests::moto::{Moto, free_address, with_aws_at};
use tests::{Answer, Database, Function, Gateway, Program, Question};
use url::Url;

const ROLE: &str = "traceability_test_secret";
const FIRST: &str = "hunter2-first";
const SECOND: &str = "hunter2-second";

fn summary() -> Question {
    Question::get("sessions", "/api/v1/sessions/{session_id}/summary", "chat-1", "")
}

/// A log of one request, and a role that may read it.
async fn database(name: &str) -> (Arc<Database>, PgConnection, String) {
    let start: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().expect("a time");
    let database = made::database(name, &[made::row("chat-1", start, json!({}))]).await;
    let mut conn = database.connect().await;
    let role = format!("{ROLE}_{name}");
    execute(&mut conn, &format!("DROP ROLE IF EXISTS {role}")).await;
    execute(&mut conn, &format!("CREATE ROLE {role} LOGIN PASSWORD '{FIRST}'")).await;
    execute(&mut conn, &format!(r#"GRANT SELECT ON "LiteLLM_SpendLogs" TO {role}"#)).await;
    (database, conn, role)
}

async fn ask(function: &Function, question: &Question) -> Answer {
    Gateway::HttpApi.answer(&function.respond(&Gateway::HttpApi.event(question)).await)
}

/// The shapes that the login may have, and what `DATABASE_URL` is then.
fn shapes(database: &Database, role: &str, password: &str) -> [(&'static str, String, Option<String>); 3] {
    let mut url = Url::parse(database.url()).expect("a URL");
    let name = url.path().trim_start_matches('/').to_owned();
    let whole = json!({"engine": "postgres", "host": url.host_str(), "port": url.port(), "username": role,
        "password": password, "dbname": name});
    let login = json!({"username": role, "password": password});
    url.set_username("").expect("a URL");
    url.set_password(None).expect("a URL");
    let without_login = url.to_string();
    url.set_username(role).expect("a URL");
    url.set_password(Some(password)).expect("a URL");
    [
        ("all of RDS", whole.to_string(), None),
        ("a login", login.to_string(), Some(without_login)),
        ("a URL", url.to_string(), None),
    ]
}

fn expect_discretion(function: &Function) {
    for line in function.log() {
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line} is no JSON");
        for secret in [FIRST, SECOND, "wJalrXUtnFEMI", "EXAMPLETOKEN"] {
            assert!(!line.contains(secret), "{line} tells {secret}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn the_login_is_that_of_the_secret_and_its_rotation_costs_no_request() {
    let program = Program::built("sessions");
    let moto = Moto::start().await;
    let (database, mut conn, role) = database("rotation").await;
    let program = moto.for_aws(program);
    for number in 0..3 {
        execute(&mut conn, &format!("ALTER ROLE {role} PASSWORD '{FIRST}'")).await;
        let (shape, secret, url) = shapes(&database, &role, FIRST)[number].clone();
        let arn = moto.create_secret(&format!("traceability/{number}"), &secret).await;
        let program = program.clone().env("DATABASE_SECRET_ARN", &arn);
        let program = url.into_iter().fold(program, |program, url| program.env("DATABASE_URL", url));
        let function = program.start().await;
        let before = ask(&function, &summary()).await;
        assert_eq!(before.ok()["session_id"], "chat-1", "{shape}");

        execute(&mut conn, &format!("ALTER ROLE {role} PASSWORD '{SECOND}'")).await;
        moto.change_secret(&arn, &shapes(&database, &role, SECOND)[number].1).await;
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1";
        let ended: Vec<bool> = sqlx::query_scalar(end).bind(&role).fetch_all(&mut conn).await.expect("they end");
        assert!(!ended.is_empty(), "{shape}: the function had no connection of its role");
        // A connection that was used a moment ago is not asked whether it lives.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_eq!(ask(&function, &summary()).await.text, before.text, "{shape}");
        expect_discretion(&function);
    }
    execute(&mut conn, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_secret_that_cannot_be_had_or_used_is_an_outage_of_what_needs_the_database() {
    let program = Program::built("health");
    let moto = Moto::start().await;
    let missing = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:no-such-secret-AbCdEf";
    let nonsense = moto.create_secret("nonsense", &format!("{{\"password\": \"{FIRST}\"")).await;
    let incomplete = moto.create_secret("incomplete", &json!({"password": FIRST}).to_string()).await;
    let unreachable = json!({"engine": "postgres", "host": "127.0.0.1", "port": free_address().port(),
        "username": "reader", "password": FIRST, "dbname": "litellm"});
    let unreachable = moto.create_secret("unreachable", &unreachable.to_string()).await;
    let there = moto.for_aws(program.clone());
    let away = with_aws_at(program, free_address());
    for (what, program, arn) in [
        ("a secret that does not exist", &there, missing),
        ("a secret that is no JSON", &there, &nonsense),
        ("a secret without a host", &there, &incomplete),
        ("a secret of a database that is down", &there, &unreachable),
        ("an AWS that does not answer", &away, missing),
    ] {
        let function = program.clone().env("DATABASE_SECRET_ARN", arn).start().await;
        let _ = function.ready().await;
        let health = ask(&function, &Question::get("health", "/health", "", "")).await;
        assert_eq!(health.status, 503, "{what}: {}", health.text);
        let live = ask(&function, &Question::get("health", "/health/live", "", "")).await;
        assert_eq!(live.ok()["status"], "alive", "{what}");
        assert!(!health.text.contains("hunter2"), "{what}: {}", health.text);
        expect_discretion(&function);
    }
}
