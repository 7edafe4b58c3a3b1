//! What cannot be meant is refused, by name, and with what is allowed instead: in paths, queries, methods and pages.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Method, Request};
use local::fixtures::Release;
use serde_json::json;
use tests::endpoints::{self, Endpoint};
use tests::{Answer, App, encode, rows};

/// Values that are not allowed of each parameter, and the words with which they are refused.
fn bad_values() -> BTreeMap<&'static str, (&'static str, Vec<&'static str>)> {
    let texts = ("must have 1 to 1000 characters", vec![""]);
    let dates = [
        "yesterday",
        "",
        "2026-02-30",
        "2026-13-01",
        "1969-12-31",
        "10000-01-01",
        "12:00",
        "-1",
        "1e999",
        "NaN",
        "2026-11-01T25:00:00Z",
        "2026-11-01T10:00:00%2B99:00",
        "20261101",
        "%D9%A1%D9%A2",
        "2026-11-01T",
        "0000-00-00",
    ];
    let dollars = ["-1", "-0.01", "NaN", "inf", "-inf", "Infinity", "1e999", "abc", "", "1,5", "0x10", "$5"];
    let whole = ["-1", "abc", "", "1.5", "1e3", "0x10", "99999999999999999999", "%20", "NaN", "1%2C000", "%D9%A1"];
    let with = |more: &[&'static str]| whole.iter().chain(more).copied().collect();
    BTreeMap::from([
        ("limit", ("must be a whole number from 1 to 1000", with(&["0", "1001"]))),
        ("offset", ("must be a whole number from 0 to 100000", with(&["100001"]))),
        ("days", ("must be a whole number from 1 to 365", with(&["0", "366"]))),
        ("min_requests", ("must be a whole number from 1 to", with(&["0"]))),
        ("start_date", ("RFC 3339", dates.to_vec())),
        ("end_date", ("RFC 3339", dates.to_vec())),
        (
            "timezone",
            ("must be an IANA time zone", vec!["Europe/Berlim", "", "Mars/Olympus", "%2B02:00", "CEST5", "1"]),
        ),
        ("min_cost", ("must be an amount in US dollars", dollars.to_vec())),
        ("max_cost", ("must be an amount in US dollars", dollars.to_vec())),
        // A report has at most 100.
        ("top", ("must be a whole number from 1 to 100", with(&["0", "1001"]))),
        ("period", ("must be one of: day, week, month", vec!["year", "", "Day", "day,week", "1"])),
        ("format", ("must be one of: json, ", vec!["pdf", "", "JSON", "text/html"])),
        ("compare", ("must be one of: previous", vec!["next", "", "PREVIOUS", "true"])),
        ("details", ("must be true or false", vec!["yes", "", "2", "TRUE", "null"])),
        ("exact", ("must be true or false", vec!["no", "", "2", "FALSE", "1%25"])),
        ("has_tool_calls", ("must be true or false", vec!["yes", "", "2", "TRUE", "null"])),
        ("status", ("must be one of: success, failure", vec!["failed", "", "SUCCESS", "success,failure"])),
        ("origin", ("must be one of: user, internal, read, unknown", vec!["users", "", "USER", "user,read"])),
        ("sort", ("must be one of: start, last_activity", vec!["model", "", "start desc", "cost;--"])),
        ("content", ("must be one of: none, summary", vec!["all", "", "true"])),
        ("call_ids", ("must be true or false", vec!["", "maybe", "yes"])),
        ("order", ("must be one of: desc, asc", vec!["down", "", "ASC"])),
        (
            "group_by",
            (
                "must be one of: model, agent",
                vec!["api_key", "", "Model", "error_class", "model,", ",model", "team, model"],
            ),
        ),
        ("granularity", ("must be one of: 15m, hour, day, week, month", vec!["minute", "", "15", "year", "DAY"])),
        ("cursor", ("is not a cursor of this list", vec!["", "1", "abc", "null", "1%20OR%201=1", "MQ==", "🦀"])),
        ("agent_name", texts.clone()),
        ("conversation_name", texts.clone()),
        ("user_id", texts.clone()),
        ("end_user", texts.clone()),
        ("team_id", texts.clone()),
        ("model", texts.clone()),
        ("around", texts.clone()),
        ("prefix", texts.clone()),
        ("since", ("RFC 3339", dates.to_vec())),
        ("count", ("must be true or false", vec!["yes", "", "2", "TRUE", "null"])),
        ("provider", texts.clone()),
        ("key", texts.clone()),
        ("tool", texts.clone()),
        ("call_type", texts.clone()),
        ("error_class", texts.clone()),
        ("session_id", texts.clone()),
        ("id_prefix", ("must have 1 to 100 characters", vec![""])),
        ("min_tokens", ("must be a whole number from 1 to", with(&["0"]))),
        ("min_duration", ("must be a number of seconds", dollars.to_vec())),
        ("tag", texts),
    ])
}

async fn ask(app: &App, endpoint: &Endpoint, target: &str) -> Answer {
    if endpoint.method == Method::POST {
        return app.post(target, &json!({})).await;
    }
    app.get(target).await
}

/// The endpoint for an id that exists.
fn path(endpoint: &Endpoint) -> String {
    let row = &rows::log(RELEASE)[0];
    let id =
        if endpoint.path.contains("session_id") { rows::session(row) } else { row["request_id"].as_str().expect("") };
    endpoint.with_id(id)
}

const RELEASE: Release = Release::V1_80_0;

#[tokio::test]
async fn a_bad_value_is_refused_by_its_parameters_name_and_with_what_is_allowed() {
    let app = App::of_release(RELEASE).await;
    let bad_values = bad_values();
    for endpoint in endpoints::all() {
        let path = path(&endpoint);
        for parameter in &endpoint.query {
            let (allowed, values) =
                bad_values.get(parameter.as_str()).unwrap_or_else(|| panic!("{parameter} is untested"));
            let long = "x".repeat(10_000);
            for value in values.iter().copied().chain([long.as_str()]) {
                // Requests are built from bytes that a URI may have: others are percent-encoded.
                let value = if value.is_ascii() { value.replace(' ', "%20") } else { encode(value) };
                let answer = ask(&app, &endpoint, &format!("{path}?{parameter}={value}")).await;
                assert_eq!(answer.blamed(), std::slice::from_ref(parameter), "{path}?{parameter}={value}");
                let detail = answer.problem(422)["errors"][0]["detail"].as_str().expect("a text").to_owned();
                assert!(detail.contains(allowed), "{parameter}={value}: {detail}");
                assert!(answer.text.len() < 2_000, "{} bytes for {parameter}", answer.text.len());
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_with_the_known_one_that_is_nearest() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        let path = path(&endpoint);
        let answer = ask(&app, &endpoint, &format!("{path}?zzzzzz=1")).await;
        assert_eq!(answer.blamed(), ["zzzzzz"], "{path}");
        for parameter in &endpoint.query {
            assert!(answer.text.contains(parameter.as_str()), "{path} does not tell of {parameter}: {}", answer.text);
            let misspelt = &parameter[..parameter.len() - 1];
            let answer = ask(&app, &endpoint, &format!("{path}?{misspelt}=1")).await;
            assert_eq!(answer.blamed(), [misspelt], "{path}");
            assert!(answer.text.contains(&format!("did you mean {parameter}?")), "{misspelt}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_given_twice_is_refused() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        let path = path(&endpoint);
        for parameter in endpoint.query.iter().filter(|parameter| !endpoint.is_repeatable(parameter)) {
            for other in [parameter.clone(), format!("%{:02X}{}", parameter.as_bytes()[0], &parameter[1..])] {
                let answer = ask(&app, &endpoint, &format!("{path}?{parameter}=1&{other}=1")).await;
                assert_eq!(answer.blamed(), std::slice::from_ref(parameter), "{path}?{parameter}&{other}");
                assert!(answer.text.contains("must be given once"), "{}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_nul_character_or_broken_utf_8_is_refused_wherever_it_stands() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        let path = path(&endpoint);
        for parameter in &endpoint.query {
            let answer = ask(&app, &endpoint, &format!("{path}?{parameter}=a%00b")).await;
            assert_eq!(answer.blamed(), std::slice::from_ref(parameter), "{path}?{parameter}");
            for broken in ["%FF", "a%C3", "%ED%A0%80", "%C0%AF"] {
                let answer = ask(&app, &endpoint, &format!("{path}?{parameter}={broken}")).await;
                assert_eq!(answer.blamed(), std::slice::from_ref(parameter), "{path}?{parameter}={broken}");
                assert!(answer.text.contains("UTF-8"), "{}", answer.text);
            }
        }
        assert_eq!(ask(&app, &endpoint, &format!("{path}?a%00b=1")).await.blamed(), ["ab"], "{path}");
        if let Some(name) = endpoint.path_parameter() {
            let path = |id: &str| endpoint.path.replace(&format!("{{{name}}}"), id);
            assert_eq!(ask(&app, &endpoint, &path("a%00b")).await.blamed(), [name], "{}", endpoint.path);
            if endpoint.path.contains("}/") {
                assert_eq!(ask(&app, &endpoint, &path("")).await.blamed(), [name], "{}", endpoint.path);
            }
            for broken in ["%FF", "a%C3", "%ED%A0%80"] {
                let problem = ask(&app, &endpoint, &path(broken)).await.problem(400);
                assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("UTF-8")), "{problem}");
            }
        }
    }
}

#[tokio::test]
async fn an_id_that_nobody_has_is_not_found_and_one_that_is_too_long_is_refused() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        let Some(name) = endpoint.path_parameter() else { continue };
        let sql = "' OR '1'='1'; DROP TABLE \"LiteLLM_SpendLogs\" --";
        let ids = ["nobody", sql, "🦀", "\u{202e}\u{5d0}\u{5d1}", "../../etc/passwd", "null", "%", "a b+c", "{}", " "];
        for id in ids.map(str::to_owned).into_iter().chain(["x".repeat(8_000)]) {
            let problem = ask(&app, &endpoint, &endpoint.with_id(&id)).await.problem(404);
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("There is no ")), "{problem}");
        }
        let answer = ask(&app, &endpoint, &endpoint.path.replace(&format!("{{{name}}}"), "%ZZ")).await;
        assert_eq!(answer.status, 404, "an escape that is none stands for itself: {}", answer.text);
        for id in ["x".repeat(8_001), "é".repeat(5_000)] {
            let answer = ask(&app, &endpoint, &endpoint.with_id(&id)).await;
            assert_eq!(answer.blamed(), [name], "{}", endpoint.path);
            assert!(answer.text.contains("1 to 8000 bytes"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn windows_that_contradict_themselves_are_refused() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        let path = path(&endpoint);
        let mut cases = Vec::new();
        if endpoint.takes("start_date") {
            cases.extend([
                ("start_date=2025-11-02&end_date=2025-11-01", "end_date", "must be after start_date"),
                ("start_date=2025-11-02&end_date=2025-11-02", "end_date", "for a single day give the next day"),
                ("start_date=2999-01-01", "end_date", "must lie in the past"),
                (
                    "start_date=2025-11-01T10:00:00%2B02:00&end_date=2025-11-01T08:00:00Z",
                    "end_date",
                    "after start_date",
                ),
                ("start_date=2024-01-01&end_date=2025-06-01", "start_date", "must be at most 366 days before end_date"),
                ("start_date=1970-01-01", "start_date", "366 days"),
                ("start_date=1970-01-01&end_date=9999-12-31", "start_date", "366 days"),
            ]);
        }
        if endpoint.takes("days") {
            cases.extend([
                ("days=7&start_date=2025-11-01", "days", "must not be combined with start_date or end_date"),
                ("days=7&end_date=2025-11-01", "days", "must not be combined"),
                ("days=7&start_date=2025-11-01&end_date=2025-11-02", "days", "must not be combined"),
            ]);
        }
        if endpoint.takes("max_cost") {
            cases.push(("min_cost=2&max_cost=1", "max_cost", "must not be less than min_cost"));
        }
        for (query, blamed, detail) in cases {
            let answer = ask(&app, &endpoint, &format!("{path}?{query}")).await;
            assert_eq!(answer.blamed(), [blamed], "{path}?{query}");
            assert!(answer.text.contains(detail), "{path}?{query}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn text_that_means_something_elsewhere_is_only_text_here() {
    let app = App::of_release(RELEASE).await;
    let strange = [
        "' OR '1'='1",
        "'; DROP TABLE \"LiteLLM_SpendLogs\"; --",
        "x' UNION SELECT api_key FROM \"LiteLLM_SpendLogs\" --",
        "$1",
        "%",
        "_",
        "\\",
        "{}",
        "🦀👩‍👩‍👧",
        "\u{202e}\u{5d0}\u{5d1}\u{5d2}",
        "\u{fffd}",
        "null",
        "a\nb\r\n\tc",
    ];
    let texts = [
        "agent_name",
        "conversation_name",
        "user_id",
        "end_user",
        "team_id",
        "key",
        "model",
        "provider",
        "tag",
        "tool",
        "session_id",
        "call_type",
        "error_class",
    ];
    for endpoint in endpoints::over_the_log() {
        for parameter in texts.iter().filter(|parameter| endpoint.takes(parameter)) {
            for text in strange.iter().map(|text| (*text).to_owned()).chain(["é".repeat(1_000)]) {
                let answer = ask(&app, &endpoint, &format!("{}?{parameter}={}", endpoint.path, encode(&text))).await;
                let found = answer.ok();
                let of_report = found["totals"]["requests"].as_u64();
                let requests = found["total_requests"].as_u64().or(found["sessions"].as_u64()).or(of_report);
                let rows = found
                    .as_array()
                    .map(|rows| rows.iter().map(|row| row["total_requests"].as_u64().unwrap_or(1)).sum::<u64>());
                assert_eq!(requests.or(rows), Some(0), "{}?{parameter}={text}", endpoint.path);
            }
        }
    }
    let overview = app.get("/api/v1/analytics/overview?days=365").await.ok();
    assert_eq!(overview["total_requests"], rows::log(RELEASE).len(), "the rows are still there");
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found() {
    let app = App::of_release(RELEASE).await;
    for path in [
        "/nope",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/sessions",
        "/api/v1/sessions/",
        "/api/v1/sessions/a/b/summary",
        "/api/v1/Sessions",
        "/api/v1/requests/",
        "/api/v1/requests/a/messages/",
        "/api/v1/analytics",
        "/api/v1/analytics/costs",
        "/health/",
        "/health/ready",
        "//",
        "/.env",
        "/%00",
        "/%FF",
    ] {
        let problem = app.get(path).await.problem(404);
        assert_eq!(problem["instance"], path);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("/docs")), "{problem}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    let app = App::of_release(RELEASE).await;
    for endpoint in endpoints::all() {
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE]
        {
            // The search is a resource of its own, not a session with this name.
            if method == endpoint.method {
                continue;
            }
            let request = Request::builder().method(method.clone()).uri(path(&endpoint)).body(Body::empty());
            let answer = app.send(request.expect("a request")).await;
            let _ = answer.problem(405);
            let allow = answer.headers.get("allow").and_then(|allow| allow.to_str().ok()).unwrap_or_default();
            assert!(allow.contains(endpoint.method.as_str()), "{method} {}: Allow is {allow:?}", endpoint.path);
        }
    }
}
