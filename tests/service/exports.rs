//! Exports of the local runner have all rows, each as the pages have it.

use axum::body::{Body, Bytes};
use http::{Request, Response};
use http_body_util::BodyExt;
use local::fixtures::Release;
use local::limits::Limits;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use tests::server::LocalServer;
use tests::{App, rows};

const RELEASE: Release = Release::V1_109_1;
const WINDOW: &str = "start_date=2026-11-01&end_date=2026-12-01";
/// A key of the sample, whose owner sees a part of the log.
const ALICE: &str = "sk-rXPWh6o9OPSWwpGVK2hpKw";

/// A server over the same rows as the router of an app.
async fn serve(app: &App) -> LocalServer {
    LocalServer::start(app.state.clone(), Limits::default(), None).await
}

async fn ask(server: &LocalServer, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    server.client().send(request.body(Body::empty()).expect("a request")).await.expect("an answer")
}

/// The body of a good answer of this type.
async fn body(response: Response<Body>, content_type: &str) -> Bytes {
    let (parts, body) = response.into_parts();
    assert_eq!((parts.status.as_u16(), &parts.headers["content-type"]), (200, &content_type.parse().expect("a type")));
    for of_a_page in ["link", "x-next-cursor", "content-length"] {
        assert!(!parts.headers.contains_key(of_a_page), "{of_a_page}");
    }
    assert!(parts.headers.contains_key("x-as-of") && parts.headers.contains_key("x-request-id"));
    body.collect().await.expect("the body is read").to_bytes()
}

fn with(path: &str, parameter: &str) -> String {
    format!("{path}{}{parameter}", if path.contains('?') { '&' } else { '?' })
}

/// The lists, each with what fills its columns.
fn lists() -> Vec<String> {
    let log = rows::log(RELEASE);
    let mut sessions = std::collections::BTreeMap::<&str, u32>::new();
    for row in &log {
        *sessions.entry(rows::session(row)).or_default() += 1;
    }
    let (longest, _) = sessions.into_iter().max_by_key(|(_, requests)| *requests).expect("a session");
    let analytics = ["agents", "models", "users", "usage-trends", "cost-breakdown", "latency", "errors", "tools"];
    let analytics = analytics.iter().map(|name| match *name {
        "models" => format!("/api/v1/analytics/{name}?{WINDOW}&details=true&compare=previous&granularity=week"),
        name => format!("/api/v1/analytics/{name}?{WINDOW}"),
    });
    let others = [
        format!("/api/v1/requests?{WINDOW}"),
        format!("/api/v1/sessions?{WINDOW}&sort=cost"),
        format!("/api/v1/sessions?{WINDOW}&agent_name=nobody"),
        format!("/api/v1/sessions/{longest}/messages"),
    ];
    others.into_iter().chain(analytics).collect()
}

#[tokio::test]
async fn an_export_has_every_row_as_the_pages_have_it() {
    let app = App::in_process(RELEASE).await;
    let server = serve(&app).await;
    let mut most = 0;
    for path in lists() {
        let pages = if path.contains("analytics") { path.clone() } else { with(&path, "limit=300") };
        let (rows, _) = app.all_pages(&pages).await;
        most = most.max(rows.len());

        let lines = body(ask(&server, &with(&path, "format=jsonl"), &[]).await, "application/x-ndjson").await;
        let lines = std::str::from_utf8(&lines).expect("text").lines();
        let exported: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("a row")).collect();
        assert!(exported == rows, "{path}: {} rows instead of {}", exported.len(), rows.len());

        let table = body(ask(&server, &path, &[("accept", "text/csv")]).await, "text/csv").await;
        let mut table = csv::Reader::from_reader(&table[..]);
        let names: Vec<String> = table.headers().expect("a header").iter().map(str::to_owned).collect();
        let records: Vec<_> = table.records().map(|record| record.expect("a line")).collect();
        assert_eq!(records.len(), rows.len(), "{path}");
        for (record, row) in records.iter().zip(&rows) {
            let fields = row.as_object().expect("a row");
            assert!(fields.keys().all(|name| names.contains(name)), "{path}: {names:?} is not all of {fields:?}");
            for (name, field) in names.iter().zip(record) {
                assert!(is_shown(&row[name], field), "{path}: {name} is {field} instead of {}", row[name]);
            }
        }

        let file = ask(&server, &with(&path, "format=parquet"), &[("accept", "text/csv")]).await;
        let file = SerializedFileReader::new(body(file, "application/vnd.apache.parquet").await).expect("a file");
        assert_eq!(file.metadata().file_metadata().num_rows(), i64::try_from(rows.len()).expect("few"), "{path}");
        let columns = file.metadata().file_metadata().schema_descr().columns();
        assert_eq!(columns.iter().map(|column| column.name()).collect::<Vec<_>>(), names, "{path}");
        for (read, row) in file.get_row_iter(None).expect("rows").zip(&rows) {
            for (name, field) in read.expect("a row").get_column_iter() {
                let is_cost = matches!(name.as_str(), "cost" | "total_cost");
                assert!(!is_cost || matches!(field, Field::Decimal(_)), "{path}: {name} is {field:?}");
                assert!(is_typed(&row[name], field), "{path}: {name} is {field:?} instead of {}", row[name]);
            }
        }
    }
    assert!(most > 1_000, "more than one page: {most}");
    server.stop().await;
}

/// Whether a field of a table shows a value.
fn is_shown(value: &Value, field: &str) -> bool {
    match value {
        Value::Null => field.is_empty(),
        Value::String(text) => field == text || field.strip_prefix('\'') == Some(text),
        Value::Number(number) => !field.contains(['e', 'E']) && field.parse().is_ok_and(|field| is_same(field, number)),
        Value::Bool(flag) => field == flag.to_string(),
        Value::Array(_) | Value::Object(_) => serde_json::from_str::<Value>(field).ok().as_ref() == Some(value),
    }
}

/// Whether a number is that of a JSON document, of which the tests' reader may lose the last bit.
fn is_same(number: f64, value: &serde_json::Number) -> bool {
    let value = value.as_f64().expect("a number");
    (number - value).abs() <= f64::EPSILON * value.abs()
}

/// Whether a typed field is a value.
fn is_typed(value: &Value, field: &Field) -> bool {
    match (field, value) {
        (Field::Null, value) => value.is_null(),
        (Field::Bool(flag), Value::Bool(value)) => flag == value,
        (Field::Long(number), Value::Number(value)) => value.as_i64() == Some(*number),
        (Field::Double(number), Value::Number(value)) => is_same(*number, value),
        (Field::TimestampMicros(micros), Value::String(value)) => {
            chrono::DateTime::parse_from_rfc3339(value).is_ok_and(|time| time.timestamp_micros() == *micros)
        }
        (Field::Decimal(decimal), Value::Number(value)) => {
            let unscaled = i128::from_be_bytes(decimal.data().try_into().expect("16 bytes"));
            let dollars: f64 = format!("{unscaled}e-{}", decimal.scale()).parse().expect("a number");
            // What has more digits is rounded.
            let rounding = (dollars - value.as_f64().expect("a number")).abs();
            decimal.scale() == 18 && (is_same(dollars, value) || rounding <= 1e-18)
        }
        (Field::Str(text), Value::String(value)) => text == value,
        (Field::Str(text), value) => serde_json::from_str::<Value>(text).ok().as_ref() == Some(value),
        _ => false,
    }
}

#[tokio::test]
async fn an_export_shows_its_caller_what_the_pages_show() {
    let open = App::in_process(RELEASE).await;
    let app = open.with_access(&[("AUTH_MODE", "litellm"), ("CONTENT_ACCESS", "owners")]);
    let server = serve(&app).await;
    let path = format!("/api/v1/requests?{WINDOW}");
    let refused = server.get(&with(&path, "format=csv")).await;
    assert_eq!(refused.problem(401)["instance"], "/api/v1/requests");

    let alice = app.with_key(ALICE);
    let (own, _) = alice.all_pages(&with(&path, "limit=300")).await;
    let (all, _) = open.all_pages(&with(&path, "limit=1000")).await;
    assert!(!own.is_empty() && own.len() < all.len(), "{} of {}", own.len(), all.len());
    let authorization = format!("Bearer {ALICE}");
    let headers = [("authorization", authorization.as_str())];
    let lines = body(ask(&server, &with(&path, "format=jsonl"), &headers).await, "application/x-ndjson").await;
    let lines: Vec<Value> =
        lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines, own);

    // What was said is noted as it is for the pages.
    let session = own[0]["session_id"].as_str().expect("an id");
    let messages = format!("/api/v1/sessions/{session}/messages");
    let (turns, _) = alice.all_pages(&messages).await;
    let read = |line: &Value| {
        ["event", "principal", "session_id", "rows", "outcome", "route"].map(|field| line[field].clone())
    };
    let expected: Vec<_> = app.audit.take().iter().filter(|line| line["event"] == "content_read").map(read).collect();
    let lines = body(ask(&server, &with(&messages, "format=jsonl"), &headers).await, "application/x-ndjson").await;
    assert_eq!(std::str::from_utf8(&lines).expect("text").lines().count(), turns.len());
    let noted: Vec<_> = app.audit.take().iter().filter(|line| line["event"] == "content_read").map(read).collect();
    assert!(!noted.is_empty());
    assert_eq!(noted, expected);
    let foreign = all.iter().map(|row| row["session_id"].as_str().expect("an id"));
    let own: Vec<&str> = own.iter().map(|row| row["session_id"].as_str().expect("an id")).collect();
    let foreign = foreign.into_iter().find(|session| !own.contains(session)).expect("another's session");
    let hidden = ask(&server, &format!("/api/v1/sessions/{foreign}/messages?format=csv"), &headers).await;
    assert_eq!(hidden.status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_exported_is_a_problem_that_says_why() {
    let app = App::in_process(RELEASE).await;
    let server = serve(&app).await;
    for (path, parameter) in [
        ("/api/v1/requests?format=xlsx", "format"),
        ("/api/v1/requests?format=", "format"),
        ("/api/v1/requests?format=csv&format=jsonl", "format"),
        ("/api/v1/requests?format=csv&limit=10", "limit"),
        ("/api/v1/sessions?format=parquet&offset=10", "offset"),
        ("/api/v1/sessions?format=parquet&cursor=x", "cursor"),
        ("/api/v1/requests?format=csv&start_date=2020-01-01", "start_date"),
        ("/api/v1/analytics/models?format=csv&no_such=1", "no_such"),
        ("/api/v1/analytics/overview?format=csv", "format"),
    ] {
        assert_eq!(server.get(path).await.blamed(), [parameter], "{path}");
    }
    assert_eq!(server.get("/api/v1/sessions/nobody/messages?format=csv").await.problem(404)["title"], "Not found");
    assert_eq!(
        server.get("/api/v1/requests?format=json&limit=2").await.ok(),
        app.get("/api/v1/requests?limit=2").await.ok()
    );

    // A function writes JSON alone.
    for (path, accept) in [("/api/v1/requests?format=csv", "*/*"), ("/api/v1/analytics/models", "text/csv")] {
        let request = Request::get(path).header("accept", accept).body(Body::empty()).expect("a request");
        let problem = app.send(request).await.problem(406);
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("json") && detail.contains("csv"), "{detail}");
        assert_eq!(problem["type"], json!("urn:llm-traceability:problem:not-acceptable"));
    }
    server.stop().await;
}
