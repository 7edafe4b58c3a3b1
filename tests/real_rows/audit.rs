//! Whoever runs the service can say afterwards who read which conversation.

use std::io::{self, Write};
use std::sync::Arc;

use local::fixtures::Release;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{App, encode, endpoints, rows};
use traceability_http::audit::Audit;
use traceability_http::layers;

const RELEASE: Release = Release::V1_109_1;

async fn app() -> App {
    let key = |name: &str, content: bool| json!({"name": name, "sha256": format!("{:x}", Sha256::digest(name)), "scope": "all", "content": content});
    let keys = json!([key("reader", true), key("wall", false)]).to_string();
    App::in_process(RELEASE).await.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", &keys)])
}

/// The one line of a read.
async fn line(app: &App, path: &str) -> (u16, Value) {
    let _ = app.audit.take();
    let answer = app.get(path).await;
    let mut lines = app.audit.take();
    assert_eq!(lines.len(), 1, "{path}: {lines:?}");
    assert_eq!(lines[0]["request_id"], answer.headers["x-request-id"].to_str().expect("text"));
    (answer.status.as_u16(), lines.remove(0))
}

#[tokio::test]
async fn each_read_of_content_is_a_line() {
    let app = app().await;
    let (reader, wall) = (app.with_key("reader"), app.with_key("wall"));
    let log = rows::log(RELEASE);
    let row = log.iter().find(|row| rows::text(row, "litellm_call_id").is_some_and(|id| row["request_id"] != id));
    let row = row.expect("a request with two ids");
    let (request, session) = (row["request_id"].as_str().expect("an id"), rows::session(row));
    let call = rows::text(row, "litellm_call_id").expect("an id");
    let of_session = log.iter().filter(|row| rows::session(row) == session).count();

    let (status, read) = line(&reader, &format!("/api/v1/sessions/{}/messages", encode(session))).await;
    assert_eq!((status, &read["status"], &read["outcome"]), (200, &json!(200), &json!("read")));
    assert_eq!(
        (&read["log"], &read["event"], &read["level"]),
        (&json!("audit"), &json!("content_read"), &json!("INFO"))
    );
    assert_eq!(
        (&read["login"], &read["principal"], &read["key"]),
        (&json!("service_key"), &json!("reader"), &json!(null))
    );
    assert_eq!((&read["session_id"], &read["request"]), (&json!(session), &json!(null)));
    assert_eq!((&read["rows"], &read["route"]), (&json!(of_session), &json!("/api/v1/sessions/{session_id}/messages")));

    // By its call id, too, it is clear which request was read, and of which conversation.
    for id in [request, call] {
        for path in [format!("/api/v1/requests/{}", encode(id)), format!("/api/v1/requests/{}/messages", encode(id))] {
            let (_, read) = line(&reader, &path).await;
            assert_eq!((&read["request"], &read["session_id"]), (&json!(request), &json!(session)), "{path}");
            assert_eq!((&read["rows"], &read["outcome"]), (&json!(1), &json!("read")), "{path}");
            let (_, read) = line(&wall, &path).await;
            assert_eq!(
                (&read["rows"], &read["outcome"], &read["principal"]),
                (&json!(0), &json!("withheld"), &json!("wall"))
            );
        }
    }
    for (path, status, outcome) in [
        ("/api/v1/requests/no-such-request", 404, "not_found"),
        ("/api/v1/sessions/no-such-session/messages", 404, "not_found"),
        ("/api/v1/sessions/any/messages?limit=0", 422, "refused"),
    ] {
        let (found, read) = line(&reader, path).await;
        assert_eq!((found, &read["outcome"], &read["rows"]), (status, &json!(outcome), &json!(0)), "{path}");
    }
}

#[tokio::test]
async fn what_has_no_content_is_not_audited() {
    let app = app().await.with_key("reader");
    for endpoint in endpoints::over_the_log().into_iter().filter(|endpoint| endpoint.path_parameter().is_none()) {
        let answer = match endpoint.method {
            http::Method::POST => app.post(&endpoint.path, &json!({})).await,
            _ => app.get(&endpoint.path).await,
        };
        let _ = answer.ok();
        assert!(!answer.text.contains("\"messages\":"), "{} has content", endpoint.path);
    }
    assert_eq!(app.audit.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_line_has_no_content_and_no_key() {
    let app = app().await.with_key("reader");
    let log = rows::log(RELEASE);
    for row in log.iter().step_by(40) {
        let _ = app.get(&format!("/api/v1/sessions/{}/messages", encode(rows::session(row)))).await.ok();
    }
    let lines = app.audit.take();
    assert!(lines.len() > 30);
    for line in lines {
        let names: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(
            names,
            [
                "event",
                "key",
                "level",
                "log",
                "login",
                "outcome",
                "principal",
                "request",
                "request_id",
                "route",
                "rows",
                "session_id",
                "status",
                "timestamp"
            ]
        );
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_read() {
    let app = app().await;
    let mut state = app.state.clone();
    state.audit = Arc::new(Audit::to(Full));
    let router = layers::service(local::api::router(), state);
    let row = &rows::log(RELEASE)[0];
    let id = encode(row["request_id"].as_str().expect("an id"));
    for (path, status) in [
        (format!("/api/v1/requests/{id}/messages"), 503),
        (format!("/api/v1/requests/{id}"), 503),
        ("/api/v1/requests".into(), 200),
    ] {
        let request = http::Request::get(&path).header("authorization", "Bearer reader");
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let answer = tower::ServiceExt::oneshot(router.clone(), request).await.expect("a router cannot fail");
        assert_eq!(answer.status(), status, "{path}");
    }
}
