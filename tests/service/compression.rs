//! Clients that take compressed answers get them, and the same answer as all others.

use axum::body::Body;
use http::Request;
use local::fixtures::Release;
use tests::{Answer, App};

async fn ask(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::empty()).expect("a request")).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("a text"))
}

#[tokio::test]
async fn a_large_answer_is_compressed_as_the_client_takes_it() {
    let app = App::in_process(Release::V1_109_1).await;
    let window = "start_date=2026-11-01&end_date=2026-11-20";
    let list = format!("/api/v1/requests?{window}&limit=200");
    for path in [list.as_str(), "/openapi.json", "/docs/swagger-ui.css", "/api/v1/reports/cost?format=html"] {
        let plain = app.get(path).await;
        assert_eq!(
            (header(&plain, "content-encoding"), header(&plain, "vary")),
            (None, Some("accept-encoding")),
            "{path}"
        );
        for (accepted, encoding) in [
            ("gzip", Some("gzip")),
            ("br", Some("br")),
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip;q=1.0, br;q=0.1", Some("gzip")),
            ("identity", None),
            ("gzip;q=0", None),
            ("*;q=0", None),
            ("zstd, nonsense", None),
        ] {
            let answer = ask(&app, path, &[("accept-encoding", accepted)]).await;
            assert_eq!(
                (answer.status, header(&answer, "content-encoding")),
                (plain.status, encoding),
                "{path} {accepted}"
            );
            assert_eq!(answer.text, plain.text, "{path} {accepted}");
            assert_eq!(header(&answer, "content-type"), header(&plain, "content-type"), "{path}");
            assert_eq!(header(&answer, "etag"), header(&plain, "etag"), "{path}");
            if encoding.is_some() {
                let length: usize = header(&answer, "content-length").expect("a length").parse().expect("a number");
                assert!(length < plain.text.len() * 2 / 3, "{path}: {length} of {}", plain.text.len());
            }
        }
    }
    let tag = app.get(&list).await.headers["etag"].clone();
    let headers = [("accept-encoding", "gzip"), ("if-none-match", tag.to_str().expect("a text"))];
    let same = ask(&app, &list, &headers).await;
    assert_eq!((same.status.as_u16(), same.text.as_str(), header(&same, "vary")), (304, "", Some("accept-encoding")));
    assert_eq!(same.headers["etag"], tag);
}

#[tokio::test]
async fn a_small_answer_and_a_problem_are_not_compressed() {
    let app = App::in_process(Release::V1_109_1).await;
    let long = format!("/api/v1/requests/{}", "x".repeat(3_000));
    for path in ["/api/v1/requests?limit=1&tag=no-such-tag", "/health/live", long.as_str(), "/api/v1/nothing"] {
        let answer = ask(&app, path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(header(&answer, "content-encoding"), None, "{path}");
        assert_eq!(answer.text.len(), app.get(path).await.text.len(), "{path}");
    }
}
