//! The local server keeps no client for ever, answers each request on its own, and gives a database without a login only to
//! whoever started it. Nothing here needs a database.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request};
use local::host_guard::LocalToken;
use local::limits::Limits;
use tests::faults::api_at;
use tests::server::{LocalServer, bounded, next_answer, until_closed};
use tokio::io::AsyncWriteExt;
use traceability_access::{Access, Exposure};
use traceability_core::environment::Environment;
use traceability_http::AppState;

/// A page of more than three times 64 KiB.
const LARGE: &str = "/openapi.json";
const LISTING: &str = "/api/v1/requests?limit=1";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Over a database that is not there.
fn state() -> AppState {
    api_at("postgres://reader:hunter2@127.0.0.1:1/litellm", &[]).state
}

async fn start(limits: Limits) -> LocalServer {
    LocalServer::start(state(), limits, None).await
}

/// Requests whose answers are more than the connection carries while nobody reads them.
fn many_requests() -> Vec<u8> {
    format!("GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(60).into_bytes()
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn it_ends_when_told_whatever_its_clients_do() {
    let server = start(Limits { shutdown: Duration::from_millis(300), ..Limits::default() }).await;
    let silent = server.connect().await;
    let half = server.say(b"GET /health/live HTTP/1.1\r\nHost: loc").await;
    let body =
        server.say(b"POST /api/v1/sessions/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{").await;
    let preface = server.say(PREFACE).await;
    let half_preface = server.say(&PREFACE[..9]).await;
    let stuck = server.say(&many_requests()).await;
    let stream = bounded(server.http2_client().send(get(LARGE, &[]))).await.expect("an answer");
    // All of them are with the server.
    assert_eq!(server.get("/health/live").await.status, 200);
    server.stop().await;
    drop((silent, half, body, preface, half_preface, stuck, stream));
}

#[tokio::test]
async fn a_connection_without_a_request_ends() {
    let server = start(Limits { idle: Duration::from_millis(100), ..Limits::default() }).await;
    for said in [&b""[..], b"GET /health/live HTTP/1.1\r\nHost: loc", PREFACE, &PREFACE[..9]] {
        let _ = until_closed(&mut server.say(said).await).await;
    }
    let answered = until_closed(&mut server.say(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").await).await;
    assert!(answered.starts_with("HTTP/1.1 200") && answered.ends_with(r#"{"status":"alive"}"#), "{answered}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_ends_and_makes_room_for_the_next() {
    let limits = Limits { connections: 1, stall: Duration::from_millis(200), ..Limits::default() };
    let server = start(limits).await;
    let stuck = server.say(&many_requests()).await;
    assert_eq!(server.get("/health/live").await.status, 200);
    let client = server.http2_client();
    let stream = bounded(client.send(get(LARGE, &[]))).await.expect("an answer");
    assert_eq!(server.get("/health/live").await.status, 200);
    drop((stuck, stream));
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_make_room_where_there_is_none() {
    let limits = Limits { connections: 2, idle_when_full: Duration::from_millis(50), ..Limits::default() };
    let server = start(limits).await;
    let kept = [server.connect().await, server.say(PREFACE).await];
    assert_eq!(server.get("/health/live").await.status, 200);
    drop(kept);
    server.stop().await;
}

#[tokio::test]
async fn large_answers_that_nobody_reads_leave_the_others_room() {
    let server = start(Limits { unread_bytes: 64 * 1024, ..Limits::default() }).await;
    let client = server.http2_client();
    let unread = bounded(client.send(get(LARGE, &[]))).await.expect("an answer");
    assert_eq!(unread.status(), 200, "one is delivered, however large");
    let refused = server.get(LARGE).await;
    assert_eq!(refused.problem(503)["type"], "urn:llm-traceability:problem:busy");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.get("/health/live").await.status, 200, "small answers take no room");
    drop(unread);
    bounded(async {
        while server.get(LARGE).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let whole = server.get(LARGE).await;
    assert_eq!(whole.text.len(), include_str!("../../functions/health/openapi.json").len());
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_is_not_in_the_way_of_the_next_request() {
    let server = start(Limits::default()).await;
    let next = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let large = 3 * 1024 * 1024;
    // path, content type, status
    for (path, kind, status) in [
        ("/api/v1/no-such-route", "application/json", 404),
        ("/api/v1/requests", "application/json", 405),
        ("/api/v1/sessions/search", "text/plain", 415),
        ("/api/v1/sessions/search", "application/json", 413),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {large}\r\n\r\n"
        );
        let mut stream = server.say(head.as_bytes()).await;
        let (mut read, mut write) = stream.split();
        let body = vec![b'['; large];
        let sent = async {
            write.write_all(&body).await.expect("the server takes the body");
            write.write_all(next).await.expect("and the next request");
        };
        let answered = async { tokio::io::AsyncReadExt::read_u8(&mut read).await.expect("an answer") };
        assert_eq!(bounded(futures::future::join(sent, answered)).await.1, b'H', "{path}");
        let (refused, _) = next_answer(&mut stream).await;
        assert!(refused.starts_with(&format!("ttp/1.1 {status} ")), "{path}: {refused}");
        let (alive, _) = next_answer(&mut stream).await;
        assert!(alive.starts_with("http/1.1 200 "), "{path}: {alive}");
    }
    // A client that waits to be told to go on is told that the connection ends.
    let head = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
    let mut stream = server.say(head.as_bytes()).await;
    let (refused, _) = next_answer(&mut stream).await;
    assert!(refused.starts_with("http/1.1 404 ") && refused.contains("connection: close\r\n"), "{refused}");
    assert_eq!(until_closed(&mut stream).await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = start(Limits::default()).await;
    for path in ["/health/live", "/docs/", "/no-such-route"] {
        for hosts in ["", "Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nHost: other.example\r\n"] {
            let mut stream = server.say(format!("GET {path} HTTP/1.1\r\n{hosts}\r\n").as_bytes()).await;
            let (head, body) = next_answer(&mut stream).await;
            assert!(head.starts_with("http/1.1 400 "), "{path} {hosts:?}: {head}");
            assert!(body.contains("Send one Host header."), "{body}");
        }
    }
    server.stop().await;
}

fn expect_protected(path: &str, headers: &HeaderMap) {
    assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    assert_eq!(headers["x-frame-options"], "DENY", "{path}");
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let app = api_at("postgres://reader:hunter2@127.0.0.1:1/litellm", &[]);
    let server = LocalServer::start(app.state.clone(), Limits::default(), None).await;
    for path in
        ["/", "/docs", "/docs/", "/docs/no-such-file", LARGE, "/health", "/nowhere", LISTING, "/api/v1/requests?x=1"]
    {
        // As on Lambda, and as from the local server.
        expect_protected(path, &app.get(path).await.headers);
        expect_protected(path, &server.get(path).await.headers);
    }
    let preflight = Request::options(LISTING)
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "GET")
        .body(Body::empty())
        .expect("a request");
    expect_protected("OPTIONS", &server.ask(preflight).await.headers);
    server.stop().await;
}

#[tokio::test]
async fn a_database_without_a_login_is_opened_by_the_printed_link() {
    let mut state = state();
    let token = LocalToken::random();
    let access = Access::from_environment(&Environment::default(), Exposure::ThisMachine).expect("no login");
    state.access = Arc::new(access.with_local_token(token.text()));
    let server = LocalServer::start(state, Limits::default(), Some(&token)).await;
    let text = token.text();
    // The database is not there: whoever comes so far is let in.
    let opened = 503;

    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("cookie", "other=1")]] {
        let refused = server.ask(get(LISTING, headers)).await;
        assert_eq!(refused.problem(401)["type"], "urn:llm-traceability:problem:unauthorized");
        assert!(refused.text.contains("printed link") && !refused.text.contains(text), "{}", refused.text);
        assert!(refused.headers.contains_key("www-authenticate"));
    }
    let bearer = format!("Bearer {text}");
    assert_eq!(server.ask(get(LISTING, &[("authorization", &bearer)])).await.status, opened);
    assert_eq!(server.ask(get(LISTING, &[("x-litellm-api-key", text)])).await.status, opened);
    assert_eq!(server.get(&format!("{LISTING}&token={text}")).await.status, opened);
    assert_eq!(server.get(&format!("{LISTING}&token=wrong")).await.status, 401);

    // A browser: the link, the page without the token, and what the page asks from then on.
    let page = ("accept", "text/html,*/*;q=0.8");
    let redirect = server.ask(get(&format!("/docs/?token={text}"), &[page])).await;
    assert_eq!((redirect.status.as_u16(), redirect.headers["location"].to_str().expect("text")), (303, "/docs/"));
    let cookie = redirect.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair");
    assert_eq!(server.ask(get("/docs/", &[page, ("cookie", cookie)])).await.status, 200);
    assert_eq!(server.ask(get(LISTING, &[("cookie", cookie)])).await.status, opened);

    // What tells nothing of the log is open to everybody.
    for path in ["/", "/docs/", LARGE, "/health/live"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    server.stop().await;
}
