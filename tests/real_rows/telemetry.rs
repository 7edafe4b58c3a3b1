//! Each request is one line of the log, and tells its client how long it took.

use local::fixtures::Release;
use tests::{App, Logs, rows};

const RELEASE: Release = Release::V1_80_0;

/// The fields of the one line of a request.
fn fields(lines: &[String]) -> Vec<(String, String)> {
    let mut requests = lines.iter().filter(|line| line.starts_with("traceability::request "));
    let line = requests.next().unwrap_or_else(|| panic!("no request in {lines:?}"));
    assert!(requests.next().is_none(), "two lines: {lines:?}");
    let fields = line.splitn(3, ' ').nth(2).expect("fields");
    let pairs = fields.split('\u{1f}').filter_map(|field| field.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_line_says_what_was_asked_and_how_long_that_took() {
    let app = App::in_process(RELEASE).await;
    let row = &rows::log(RELEASE)[0];
    let session = tests::encode(rows::session(row));
    for (path, route, status, least_rows) in [
        (format!("/api/v1/sessions/{session}/summary?"), "/api/v1/sessions/{session_id}/summary", 200, 1),
        ("/api/v1/requests?limit=7".into(), "/api/v1/requests", 200, 7),
        ("/api/v1/requests?limit=0".into(), "/api/v1/requests", 422, 0),
        ("/api/v1/sessions/no-such-session/summary".into(), "/api/v1/sessions/{session_id}/summary", 404, 0),
        ("/health/live".into(), "/health/live", 200, 0),
        ("/nowhere".into(), "(none)", 404, 0),
    ] {
        let logs = Logs::collect();
        let answer = app.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        let fields = fields(&logs.take());
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            &found.unwrap_or_else(|| panic!("{path}: no {name} in {fields:?}")).1
        };
        assert_eq!(field("method"), "GET");
        assert_eq!(field("route"), route);
        assert_eq!(*field("status"), status.to_string());
        assert_eq!(field("request_id"), answer.headers["x-request-id"].to_str().expect("text"));
        assert!(field("rows").parse::<u64>().expect("a number") >= least_rows, "{path}: {fields:?}");
        assert!(matches!(field("cold_start").as_str(), "true" | "false"));
        let number = |name: &str| field(name).parse::<f64>().expect("a number");
        assert!(number("latency_ms") >= number("db_ms"), "{path}: {fields:?}");
        assert_eq!(
            number("db_ms") > 0.0,
            least_rows > 0 || status == 404 && route.contains("session"),
            "{path}: {fields:?}"
        );
        let timing = answer.headers["server-timing"].to_str().expect("text");
        let (database, total) = timing.split_once(", ").expect("two times");
        assert!(database.starts_with("db;dur=") && total.starts_with("total;dur="), "{timing}");
    }
}
