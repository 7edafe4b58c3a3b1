//! What the database is asked: every statement of every endpoint, formatted, as it stands in `tests/sql`, so that a reviewer
//! sees in a diff what a change does to it. `make sql` writes the files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use http::Method;
use local::fixtures::Release;
use serde_json::{Value, json};
use sqlformat::{Dialect, FormatOptions, QueryParams};
use tests::database::is_indexed;
use tests::{App, Logs, encode, endpoints};

/// A question, by the endpoint's name in `tests/sql` and what is asked of it.
struct Case {
    /// The file, without its ending: `<endpoint>.<case>`.
    name: &'static str,
    /// The endpoint's path in the API's document.
    endpoint: &'static str,
    question: Question,
}

/// What is asked of an endpoint.
enum Question {
    /// Its query. The path names a session or a request of the log, and the query may name that request.
    Get(&'static str),
    /// Its body.
    Post(Value),
}

fn cases() -> Vec<Case> {
    let get = |name, endpoint, query| Case { name, endpoint, question: Question::Get(query) };
    let sessions = "/api/v1/sessions";
    vec![
        get("sessions.list", sessions, ""),
        get("sessions.by-cost", sessions, "sort=cost&min_cost=0.001"),
        get(
            "sessions.filtered",
            sessions,
            "user_id=alice&agent_name=a&model=m&tag=t&status=failure&has_tool_calls=true",
        ),
        get(
            "sessions.of-key-tool",
            sessions,
            "key=k&tool=t&provider=p&provider=q&id_prefix=s&min_tokens=5&min_duration=1.5",
        ),
        get("sessions.of-models", sessions, "model=a&model=b&sort=cost"),
        get("sessions.counted", sessions, "count=true&limit=1"),
        get("sessions.last-activity", sessions, "sort=last_activity&order=asc"),
        Case {
            name: "sessions.search",
            endpoint: "/api/v1/sessions/search",
            question: Question::Post(json!({"team_id": "t", "end_user": "e", "min_requests": 2})),
        },
        get("session.summary", "/api/v1/sessions/{session_id}/summary", ""),
        get("session.timeline", "/api/v1/sessions/{session_id}/timeline", ""),
        get("session.messages", "/api/v1/sessions/{session_id}/messages", ""),
        get("session.messages-around", "/api/v1/sessions/{session_id}/messages", "around={request_id}"),
        get("requests.list", "/api/v1/requests", ""),
        get(
            "requests.filtered",
            "/api/v1/requests",
            "user_id=alice&model=m&agent_name=a&status=failure&tag=x&team_id=y&end_user=z",
        ),
        get(
            "requests.of-sessions",
            "/api/v1/requests",
            "session_id=s&session_id=t&error_class=e&tool=t&call_type=c&has_tool_calls=true&min_cost=0.1&min_tokens=5&min_duration=2",
        ),
        get("requests.since", "/api/v1/requests", "since={now}&order=asc&count=true"),
        get("request.detail", "/api/v1/requests/{request_id}", ""),
        get("request.messages", "/api/v1/requests/{request_id}/messages", ""),
        get("analytics.overview", "/api/v1/analytics/overview", "details=false&exact=false"),
        get("analytics.overview-details", "/api/v1/analytics/overview", "details=true&exact=false"),
        get(
            "analytics.overview-key",
            "/api/v1/analytics/overview",
            "details=false&exact=false&key=0000000000000000000000000000000000000000000000000000000000000000",
        ),
        get(
            "analytics.overview-session",
            "/api/v1/analytics/overview",
            "details=false&exact=false&session_id=s&tag=a&tag=b&end_user=e",
        ),
        get("analytics.agents", "/api/v1/analytics/agents", "details=false&exact=false"),
        get("analytics.models", "/api/v1/analytics/models", "details=false&exact=false"),
        get(
            "analytics.models-series",
            "/api/v1/analytics/models",
            "details=true&exact=false&granularity=day&timezone=Europe/Berlin&compare=previous&top=5",
        ),
        get("analytics.users", "/api/v1/analytics/users", "details=false&exact=false"),
        get("analytics.usage-trends", "/api/v1/analytics/usage-trends", "details=false&exact=false"),
        get(
            "analytics.usage-trends-hour",
            "/api/v1/analytics/usage-trends",
            "details=true&exact=false&granularity=hour&model=m",
        ),
        get("analytics.costs-by-model", "/api/v1/analytics/cost-breakdown", "details=false&exact=false"),
        get(
            "analytics.costs-by-team-model",
            "/api/v1/analytics/cost-breakdown",
            "details=false&exact=false&group_by=team,model&top=3",
        ),
        get(
            "analytics.costs-by-tag",
            "/api/v1/analytics/cost-breakdown",
            "details=false&exact=false&group_by=tag&user_id=alice",
        ),
        get("analytics.latency", "/api/v1/analytics/latency", "details=true&exact=false"),
        get("analytics.latency-exact", "/api/v1/analytics/latency", "exact=true&group_by=provider"),
        get("analytics.errors", "/api/v1/analytics/errors", "details=false&exact=false"),
        get("analytics.tools", "/api/v1/analytics/tools", "details=false&exact=false"),
        get("analytics.sessions", "/api/v1/analytics/sessions", ""),
        get("facets.model", "/api/v1/facets/{dimension}", ""),
        get("facets.key", "/api/v1/facets/key", "prefix=a&limit=5"),
        get("reports.cost", "/api/v1/reports/cost", "period=month&format=json"),
    ]
}

/// A source of requests, whose statements differ.
struct Source {
    /// Its folder in `tests/sql`.
    folder: &'static str,
    app: App,
    session: String,
    request: String,
}

impl Source {
    async fn of_release(folder: &'static str, release: Release, session: &str, request: &str) -> Self {
        let app = App::in_process(release).await;
        Self { folder, app, session: session.to_owned(), request: request.to_owned() }
    }

    /// The statements about requests that an answer takes, each once, in their order.
    async fn statements(&self, case: &Case) -> Vec<String> {
        // What is asked once, of the catalogue, is not of this answer.
        self.ask(case).await;
        let logs = Logs::collect();
        self.ask(case).await;
        let mut seen = BTreeSet::new();
        logs.take_statements()
            .into_iter()
            .filter(|sql| sql.contains("LiteLLM_") || sql.contains("traceability."))
            .filter(|sql| seen.insert(sql.clone()))
            .collect()
    }

    async fn ask(&self, case: &Case) {
        let path = case
            .endpoint
            .replace("{dimension}", "model")
            .replace("{session_id}", &encode(&self.session))
            .replace("{request_id}", &encode(&self.request));
        let answer = match &case.question {
            Question::Post(body) => self.app.post(&path, body).await,
            Question::Get("") => self.app.get(&path).await,
            Question::Get(query) => {
                let now = self.app.now.to_rfc3339();
                let query = query.replace("{request_id}", &encode(&self.request)).replace("{now}", &encode(&now));
                self.app.get(&format!("{path}?{query}")).await
            }
        };
        assert!(answer.status.is_success(), "{}: {}", case.name, answer.status);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")
}

/// PostgreSQL's operators that begin with `#`, which the formatter takes for comments, and what stands for them meanwhile.
const OPERATORS: [(&str, &str); 2] = [("#>>", "~@~>>"), ("#>", "~@~>")];

fn formatted(statements: &[String]) -> String {
    let options = FormatOptions {
        max_inline_block: 90,
        max_inline_arguments: Some(90),
        max_inline_top_level: Some(90),
        dialect: Dialect::PostgreSql,
        ..FormatOptions::default()
    };
    let one = |sql: &String| {
        let sql = OPERATORS.iter().fold(sql.clone(), |sql, (operator, stand_in)| sql.replace(operator, stand_in));
        let text = sqlformat::format(&sql, &QueryParams::None, &options);
        let text = OPERATORS.iter().fold(text, |text, (operator, stand_in)| text.replace(stand_in, operator));
        format!("{text};\n")
    };
    statements.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Compares the statements with the files, or writes them.
async fn compare(source: &Source) {
    let mut texts = BTreeMap::new();
    for case in cases() {
        let statements = source.statements(&case).await;
        assert!(!statements.is_empty(), "{} asks nothing of {}", case.name, source.folder);
        texts.insert(format!("{}.sql", case.name), formatted(&statements));
    }
    let folder = folder().join(source.folder);
    if std::env::var_os("UPDATE_SQL").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in &texts {
            std::fs::write(folder.join(name), text).expect("written");
        }
        return;
    }
    let files = std::fs::read_dir(&folder).expect("the folder is there");
    let names: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names, texts.keys().cloned().collect(), "files of {}: run 'make sql' and look", folder.display());
    for (name, text) in texts {
        let path = folder.join(name);
        let expected = std::fs::read_to_string(&path).expect("the file is there");
        assert!(text == expected, "{} differs: run 'make sql', look at the diff, and commit it", path.display());
    }
}

#[tokio::test]
async fn the_statements_over_a_log_are_as_they_were_looked_at() {
    if is_indexed() {
        return;
    }
    for source in [
        Source::of_release(
            "log-1.61.20",
            Release::V1_61_20,
            "chatcmpl-NwkatsSathc167ws83ibYoI8LwShB",
            "chatcmpl-NwkatsSathc167ws83ibYoI8LwShB",
        )
        .await,
        Source::of_release(
            "log-1.109.1",
            Release::V1_109_1,
            "shared-session-01",
            "chatcmpl-yr6aPUVJ4YNd3kjtFuBtoSPd3ktW1",
        )
        .await,
    ] {
        compare(&source).await;
    }
}

#[tokio::test]
async fn the_statements_over_an_index_are_as_they_were_looked_at() {
    if !is_indexed() {
        return;
    }
    let source =
        Source::of_release("index", Release::V1_109_1, "shared-session-01", "chatcmpl-yr6aPUVJ4YNd3kjtFuBtoSPd3ktW1")
            .await;
    compare(&source).await;
}

#[test]
fn every_endpoint_has_a_case() {
    let asked: BTreeSet<(Method, String)> = cases()
        .into_iter()
        .map(|case| {
            let method = if matches!(case.question, Question::Post(_)) { Method::POST } else { Method::GET };
            (method, case.endpoint.to_owned())
        })
        .collect();
    // What says who is calling asks for no rows.
    for endpoint in endpoints::over_the_log().into_iter().filter(|endpoint| endpoint.path != "/api/v1/me") {
        let key = (endpoint.method.clone(), endpoint.route.clone());
        assert!(asked.contains(&key), "{} {} has no case in tests/sql", endpoint.method, endpoint.path);
    }
}
