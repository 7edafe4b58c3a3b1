//! A function that cannot work says so as it starts, in one line; a database that is away keeps none from starting.

use std::net::TcpListener;

use serde_json::Value;
use tests::{Gateway, Program, Question};

const NAMES: [&str; 5] = ["sessions", "requests", "analytics", "reports", "health"];

/// Settings that are missing, wrong or contradict each other, and the one that the log has to name.
const WRONG: &[(&str, &[(&str, &str)])] = &[
    ("DATABASE_URL", &[]),
    ("DATABASE_URL", &[("DATABASE_URL", "")]),
    ("DATABASE_URL", &[("DATABASE_URL", "reader:hunter2@localhost/litellm")]),
    ("DATABASE_URL", &[("DATABASE_URL", "mysql://reader:hunter2@localhost/litellm")]),
    ("DATABASE_READER_URL", &[("DATABASE_URL", HIDDEN), ("DATABASE_READER_URL", "hunter2")]),
    ("DATABASE_URL", &[("DATABASE_URL", HIDDEN), ("DATABASE_SECRET_ARN", SECRET)]),
    ("DATABASE_URL", &[("DATABASE_IAM_AUTH", "true")]),
    ("DATABASE_URL", &[("DATABASE_URL", HIDDEN), ("DATABASE_IAM_AUTH", "true")]),
    ("DATABASE_URL", &[("DATABASE_URL", "postgres://db.example.com/litellm"), ("DATABASE_IAM_AUTH", "true")]),
    ("DATABASE_IAM_AUTH", &[("DATABASE_SECRET_ARN", SECRET), ("DATABASE_IAM_AUTH", "true")]),
    ("DATABASE_IAM_AUTH", &[("DATABASE_URL", HIDDEN), ("DATABASE_IAM_AUTH", "perhaps")]),
    ("DATABASE_POOLER", &[("DATABASE_URL", HIDDEN), ("DATABASE_POOLER", "perhaps")]),
    ("STATEMENT_TIMEOUT_MS", &[("DATABASE_URL", HIDDEN), ("STATEMENT_TIMEOUT_MS", "soon")]),
    ("STATEMENT_TIMEOUT_MS", &[("DATABASE_URL", HIDDEN), ("STATEMENT_TIMEOUT_MS", "28001")]),
    ("DATABASE_MAX_CONNECTIONS", &[("DATABASE_URL", HIDDEN), ("DATABASE_MAX_CONNECTIONS", "0")]),
    ("METRICS", &[("DATABASE_URL", HIDDEN), ("METRICS", "some")]),
    ("AGENT_NAME_PATHS", &[("DATABASE_URL", HIDDEN), ("AGENT_NAME_PATHS", "response.agent")]),
    // Nobody is let in by mistake.
    ("AUTH_MODE", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", ""), ("ALLOW_ANONYMOUS", "")]),
    ("AUTH_MODE", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "none"), ("ALLOW_ANONYMOUS", "")]),
    ("AUTH_MODE", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "litellm,none"), ("ALLOW_ANONYMOUS", "")]),
    ("ALLOW_ANONYMOUS", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "none"), ("ALLOW_ANONYMOUS", "yes")]),
    ("ALLOW_ANONYMOUS", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "litellm")]),
    ("SERVICE_KEYS", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "keys"), ("ALLOW_ANONYMOUS", "")]),
    ("JWT_ISSUER", &[("DATABASE_URL", HIDDEN), ("AUTH_MODE", "jwt"), ("ALLOW_ANONYMOUS", "")]),
    ("CONTENT_ACCESS", &[("DATABASE_URL", HIDDEN), ("CONTENT_ACCESS", "some")]),
    ("REDACT", &[("DATABASE_URL", HIDDEN), ("REDACT", "names")]),
    ("AUDIT_LOG", &[("DATABASE_URL", HIDDEN), ("AUDIT_LOG", "/no/such/folder/audit.log")]),
];

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:litellm-AbCdEf";
const HIDDEN: &str = "postgres://reader:hunter2@localhost/litellm";

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_setting_that_cannot_be_used_ends_the_start_with_one_line_that_names_it() {
    for name in NAMES {
        let program = Program::built(name);
        for (setting, environment) in WRONG {
            let program = environment.iter().fold(program.clone(), |program, (name, value)| program.env(name, *value));
            let ended = program.start().await.ended().await;
            assert!(!ended.status.success(), "{name} {environment:?} ended well");
            let [line] = ended.log.as_slice() else { panic!("{name} {environment:?} logs {:#?}", ended.log) };
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is no JSON"));
            assert_eq!(line["level"], "ERROR", "{line}");
            assert_eq!(line["setting"], *setting, "{line}");
            assert!(line["message"].as_str().is_some_and(|text| text.contains(setting)), "{line}");
            assert!(!line.to_string().contains("hunter2"), "{line} tells a password");
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_database_that_is_away_is_an_outage_of_what_needs_it_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let questions = [
        Question::get("sessions", "/api/v1/sessions", "", ""),
        Question::get("requests", "/api/v1/requests", "", ""),
        Question::get("analytics", "/api/v1/analytics/overview", "", ""),
        Question::get("health", "/health", "", ""),
    ];
    let gateway = Gateway::HttpApi;
    for question in questions {
        let program = Program::built(question.function);
        let url = format!("postgres://reader:hunter2@127.0.0.1:{port}/litellm");
        let function = program.env("DATABASE_URL", url).start().await;
        let _ = function.ready().await;
        let answer = gateway.answer(&function.respond(&gateway.event(&question)).await);
        assert_eq!(answer.status, 503, "{}: {}", question.function, answer.text);
        if question.function == "health" {
            let live = gateway.event(&Question::get("health", "/health/live", "", ""));
            assert_eq!(gateway.answer(&function.respond(&live).await).ok()["status"], "alive");
        } else {
            assert!(answer.headers.contains_key("retry-after"), "{}", question.function);
            let _ = answer.problem(503);
        }
        for line in function.log() {
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line} is no JSON");
            assert!(!line.contains("hunter2"), "{line} tells a password");
        }
    }
}
