//! The built functions answer through every gateway what the API answers, and survive events that are no requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::made;
use tests::{Answer, App, Database, Function, Gateway, Outcome, Program, Question};
use tokio::sync::OnceCell;

const SUMMARY: &str = "/api/v1/sessions/{session_id}/summary";
const MESSAGES: &str = "/api/v1/sessions/{session_id}/messages";
const SESSIONS: &str = "/api/v1/sessions";
const SEARCH: &str = "/api/v1/sessions/search";
const REQUEST: &str = "/api/v1/requests/{request_id}";
const NOVEMBER: &str = "start_date=2026-11-01&end_date=2026-12-01";

/// What ids look like in earnest: everything that means something in a URL.
const SLASHED: &str = "team/a b?c";
const UNICODE: &str = "Møde nr. 42 – 客户 🎧";
const CODED: &str = "100%2Fa+b#c&d=e;f";
const REQUEST_ID: &str = "resp_a+b/c==";

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

/// A log whose ids and names are hard to pass on.
async fn database() -> Arc<Database> {
    static MADE: OnceCell<Arc<Database>> = OnceCell::const_new();
    let made = MADE.get_or_init(|| async {
        let mut rows = Vec::new();
        for (session, requests) in [("chat-1", 3), (SLASHED, 4), (UNICODE, 3), (CODED, 2)] {
            for number in 0..requests {
                let start = now() - TimeDelta::hours(i64::try_from(rows.len()).expect("a small number") + 1);
                let metadata = json!({"spend_logs_metadata": {"agent_name": "R&D + 50%"}});
                let fields = json!({"session_id": session, "user": "søren", "metadata": metadata,
                    "request_tags": ["env:prod", "a=b"]});
                rows.push(made::row(&format!("{session} {number}"), start, fields));
            }
        }
        rows.push(made::row(REQUEST_ID, now() - TimeDelta::days(1), json!({"user": "alice"})));
        made::database("gateway_events", &rows).await
    });
    Arc::clone(made.await)
}

/// The functions, each started once, and the API in this process over the same rows.
struct Functions {
    running: Vec<(&'static str, Function)>,
    app: App,
}

const NAMES: [&str; 5] = ["sessions", "requests", "analytics", "reports", "health"];

impl Functions {
    async fn start(names: &[&'static str]) -> Self {
        let database = database().await;
        let mut running = Vec::new();
        for name in names {
            let program = Program::built(name).env("DATABASE_URL", database.url()).env("STATEMENT_TIMEOUT_MS", "28000");
            running.push((*name, program.start().await));
        }
        Self { running, app: App::over(database, now(), &[]) }
    }

    fn named(&self, name: &str) -> &Function {
        let running = self.running.iter().find(|(running, _)| *running == name);
        running.map(|(_, function)| function).expect("the test started it")
    }

    async fn ask(&self, gateway: Gateway, question: &Question) -> Answer {
        let response = self.named(question.function).respond(&gateway.event(question)).await;
        gateway.answer(&response)
    }

    /// What the API itself answers.
    async fn expected(&self, question: &Question) -> Answer {
        match question.body {
            Some(body) => self.app.post_text(&question.target(), body, Some("application/json")).await,
            None => self.app.get(&question.target()).await,
        }
    }

    /// Asks through a gateway, and checks that the answer is the API's, but for the id of the request.
    async fn check(&self, gateway: Gateway, question: &Question) -> Answer {
        let (actual, expected) = (self.ask(gateway, question).await, self.expected(question).await);
        if let Err(difference) = compare(&actual, &expected, gateway.prefix()) {
            panic!("{gateway:?}, {} {}: {difference}", question.method, question.target());
        }
        actual
    }
}

fn compare(actual: &Answer, expected: &Answer, prefix: &str) -> Result<(), String> {
    if actual.status != expected.status {
        return Err(format!("{} is not {}: {}", actual.status, expected.status, actual.text));
    }
    for header in ["content-type", "cache-control", "allow", "retry-after", "location"] {
        let (actual, expected) = (actual.headers.get(header), expected.headers.get(header));
        if actual != expected {
            return Err(format!("{header} is {actual:?}, not {expected:?}"));
        }
    }
    let (next, expected_next) = (next_page(actual, ""), next_page(expected, prefix));
    if next != expected_next {
        return Err(format!("the next page is {next:?}, not {expected_next:?}"));
    }
    let (actual, expected) = (without_id(actual, ""), without_id(expected, prefix));
    if actual == expected { Ok(()) } else { Err(format!("{actual} is not {expected}")) }
}

/// A body as JSON, or as text where it is none. The id of the request is another one each time, and a problem names the
/// path that the client asked for.
fn without_id(answer: &Answer, prefix: &str) -> Value {
    let mut body = serde_json::from_str(&answer.text).unwrap_or_else(|_| Value::from(answer.text.clone()));
    if let Some(problem) = body.as_object_mut().filter(|body| body.contains_key("instance")) {
        problem.remove("request_id");
        let path = problem["instance"].as_str().expect("a path");
        problem["instance"] = format!("{prefix}{path}").into();
    }
    body
}

/// Where the next page is and what it is asked for, but for the cursor, which may tell when its list began. A load
/// balancer's events have no order of parameters.
fn next_page(answer: &Answer, prefix: &str) -> Option<(String, BTreeSet<String>)> {
    let next = answer.next()?;
    let (path, query) = next.split_once('?').expect("a cursor");
    let parameters = query.split('&').filter(|pair| !pair.starts_with("cursor=")).map(str::to_owned).collect();
    Some((format!("{prefix}{path}"), parameters))
}

fn questions() -> Vec<Question> {
    let agent = format!("{NOVEMBER}&agent_name=R%26D%20%2B%2050%25&timezone=Europe%2FBerlin");
    let mut questions: Vec<Question> = ["chat-1", SLASHED, UNICODE, CODED, "nobody"]
        .into_iter()
        .flat_map(|id| [Question::get("sessions", SUMMARY, id, ""), Question::get("sessions", MESSAGES, id, "limit=2")])
        .collect();
    questions.extend([
        Question::get("sessions", SESSIONS, "", &agent),
        Question::get("sessions", SESSIONS, "", &format!("{NOVEMBER}&tag=a%3Db&limit=1&sort=requests")),
        Question::get("sessions", SESSIONS, "", &format!("{NOVEMBER}&user_id=s%C3%B8ren&limit=2")),
        Question::get("sessions", SESSIONS, "", "limit=0&agent_nme=x"),
        Question::get("requests", "/api/v1/requests", "", &format!("{NOVEMBER}&limit=3")),
        Question::get("requests", "/api/v1/requests", "", &format!("{NOVEMBER}&order=asc&limit=3&count=true")),
        Question::get("requests", REQUEST, REQUEST_ID, ""),
        Question::get("sessions", "/api/v1/sessions/diff", "", "a=chat-1&b=nobody"),
        Question::get("analytics", "/api/v1/facets/{dimension}", "model", NOVEMBER),
        Question::get("requests", "/api/v1/requests/{request_id}/messages", REQUEST_ID, ""),
        Question::get("analytics", "/api/v1/analytics/overview", "", &agent),
        Question::get("analytics", "/api/v1/analytics/cost-breakdown", "", &format!("{NOVEMBER}&group_by=tag")),
        Question::get("health", "/health", "", ""),
        Question::get("health", "/health/live", "", ""),
        Question::get("health", "/openapi.json", "", ""),
        Question::get("health", "/docs/", "", ""),
        Question::get("health", "/", "", ""),
    ]);
    let search = Question { method: "POST", ..Question::get("sessions", SEARCH, "", "limit=2") };
    for body in [r#"{"agent_name": "R&D + 50%", "start_date": "2026-11-01"}"#, r#"{"user_id": "søren"}"#, "{", "[]"] {
        questions.extend([false, true].map(|binary| Question { body: Some(body), binary, ..search.clone() }));
    }
    questions
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn every_gateway_gets_the_answers_of_the_api() {
    let functions = Functions::start(&NAMES).await;
    let mut differences = Vec::new();
    for question in questions() {
        let expected = functions.expected(&question).await;
        for gateway in Gateway::ALL {
            let actual = functions.ask(gateway, &question).await;
            if let Err(difference) = compare(&actual, &expected, gateway.prefix()) {
                differences.push(format!("{gateway:?}, {} {}: {difference:.600}", question.method, question.target()));
            }
        }
    }
    for (name, function) in &functions.running {
        for line in function.log() {
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{name} logs {line}");
            // Who read which conversation is what the audit is for.
            if line.contains("\"log\":\"audit\"") {
                continue;
            }
            for asked in ["R&D", "R%26D", "søren", "s%C3%B8ren", "Møde", "team/a", "resp_a"] {
                assert!(!line.contains(asked), "{name} tells what it was asked: {line}");
            }
        }
    }
    assert!(differences.is_empty(), "{} answers differ:\n{}", differences.len(), differences.join("\n"));
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_client_that_takes_gzip_gets_it_wherever_the_gateway_passes_it_on() {
    let functions = Functions::start(&["health", "requests"]).await;
    let list = Question::get("requests", "/api/v1/requests", "", NOVEMBER);
    // The package of the function health has no room for it.
    for question in [Question::get("health", "/openapi.json", "", ""), list] {
        let compresses = question.function != "health";
        let takes = Question { headers: vec![("accept-encoding", "gzip")], ..question };
        for gateway in Gateway::ALL {
            let answer = functions.check(gateway, &takes).await;
            let encoding = answer.headers.get("content-encoding").map(|encoding| encoding.to_str().expect("a word"));
            assert_eq!(encoding, (compresses && gateway != Gateway::RestApi).then_some("gzip"), "{gateway:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn all_pages_are_reached_through_their_links() {
    let functions = Functions::start(&["sessions"]).await;
    for gateway in Gateway::ALL {
        for id in [SLASHED, UNICODE] {
            let (mut requests, mut query) = (Vec::new(), "limit=1".to_owned());
            loop {
                let answer = functions.check(gateway, &Question::get("sessions", MESSAGES, id, &query)).await;
                let page = answer.ok();
                requests.extend(page.as_array().expect("a list").iter().map(|item| item["request_id"].clone()));
                let Some(next) = answer.next() else { break };
                let (path, rest) = next.split_once('?').expect("a cursor");
                let own = Question::get("sessions", MESSAGES, id, "").path();
                assert_eq!(path, format!("{}{own}", gateway.prefix()), "{gateway:?}");
                rest.clone_into(&mut query);
            }
            assert_eq!(requests.len(), if id == SLASHED { 4 } else { 3 }, "{gateway:?}: {requests:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn a_parameter_that_is_given_twice_is_refused_wherever_the_gateway_tells_of_both() {
    let functions = Functions::start(&["sessions"]).await;
    let question = Question::get("sessions", SESSIONS, "", "limit=1&limit=2");
    for gateway in Gateway::ALL.into_iter().filter(|gateway| *gateway != Gateway::LoadBalancer) {
        let answer = functions.check(gateway, &question).await;
        assert_eq!(answer.blamed(), ["limit"], "{gateway:?}");
    }
    // What a load balancer leaves out nobody can see.
    assert_eq!(functions.ask(Gateway::LoadBalancer, &question).await.status, 200);
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn an_answer_has_the_clients_id_or_else_the_gateways() {
    let functions = Functions::start(&["sessions"]).await;
    for query in ["limit=1", "limit=none"] {
        let question = Question::get("sessions", SESSIONS, "", query);
        let own = Question { headers: vec![("x-request-id", "client-7"), ("cookie", "a=1; b=2")], ..question.clone() };
        for gateway in Gateway::ALL {
            let answer = functions.ask(gateway, &own).await;
            assert_eq!(answer.headers["x-request-id"], "client-7", "{gateway:?}");
            let answer = functions.ask(gateway, &question).await;
            let id = answer.headers["x-request-id"].to_str().expect("a text");
            match Gateway::request_id(&gateway.event(&question)) {
                Some(gateways) => assert_eq!(id, gateways, "{gateway:?}"),
                None => assert!(!id.is_empty() && id != "client-7", "{gateway:?}"),
            }
            if answer.status != 200 {
                assert_eq!(answer.problem(422)["request_id"], id);
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs the built functions: make e2e"]
async fn an_event_that_is_no_request_is_an_error_and_the_next_request_is_answered() {
    let functions = Functions::start(&NAMES).await;
    let junk = [
        tests::gateway::fixture("scheduled-rule"),
        tests::gateway::fixture("scheduler"),
        json!({}),
        json!(null),
        json!([1, 2]),
        json!("GET / HTTP/1.1"),
        json!({"version": "2.0", "rawPath": "/health"}),
        json!({"httpMethod": "GET", "path": ["/health"], "requestContext": {"elb": {}}}),
        json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}),
    ];
    let live = Question::get("health", "/health/live", "", "");
    for (name, function) in &functions.running {
        for event in junk.iter().map(Value::to_string).chain(["{".to_owned(), String::new()]) {
            match function.invoke_text(event.clone()).await {
                Outcome::Error { kind, error } => {
                    assert!(!kind.is_empty() && error["errorMessage"].is_string(), "{name}, {event}: {error}");
                }
                Outcome::Response(response) => panic!("{name} answers {event} with {response}"),
            }
            let question = match *name {
                "health" => live.clone(),
                "requests" => Question::get("requests", "/api/v1/requests", "", "limit=0"),
                "analytics" => Question::get("analytics", "/api/v1/analytics/agents", "", "days=0"),
                _ => Question::get("sessions", SUMMARY, "chat-1", ""),
            };
            let _ = functions.check(Gateway::HttpApi, &question).await;
        }
    }
}
