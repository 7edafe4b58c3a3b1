//! A request to each endpoint, and its answer, as people read them: `tests/answers`. `make answers` writes them anew; look at
//! the diff.

use http::Method;
use local::fixtures::Release;
use serde_json::json;
use tests::{Answer, App, endpoints};

/// Each with the name of its file.
const QUESTIONS: [(&str, &str); 23] = [
    ("health", "/health"),
    ("liveness", "/health/live"),
    ("sessions", "/api/v1/sessions?limit=1"),
    ("session-summary", "/api/v1/sessions/shared-session-01/summary"),
    ("session-timeline", "/api/v1/sessions/shared-session-01/timeline"),
    ("session-messages", "/api/v1/sessions/shared-session-01/messages?limit=1"),
    ("session-diff", "/api/v1/sessions/diff?a=travel-planner:587&b=travel-planner:874"),
    ("requests", "/api/v1/requests?limit=1"),
    ("request", "/api/v1/requests/chatcmpl-yr6aPUVJ4YNd3kjtFuBtoSPd3ktW1"),
    ("request-messages", "/api/v1/requests/chatcmpl-yr6aPUVJ4YNd3kjtFuBtoSPd3ktW1/messages"),
    ("me", "/api/v1/me"),
    ("overview", "/api/v1/analytics/overview"),
    ("agents", "/api/v1/analytics/agents?top=2"),
    ("models", "/api/v1/analytics/models?top=2&details=true"),
    ("users", "/api/v1/analytics/users?top=2&compare=previous"),
    ("usage-trends", "/api/v1/analytics/usage-trends?days=2"),
    ("cost-breakdown", "/api/v1/analytics/cost-breakdown?group_by=team,model&top=2"),
    ("latency", "/api/v1/analytics/latency"),
    ("errors", "/api/v1/analytics/errors?top=2"),
    ("facets", "/api/v1/facets/key?limit=3"),
    ("tools", "/api/v1/analytics/tools?top=2"),
    ("session-sizes", "/api/v1/analytics/sessions"),
    ("cost-report", "/api/v1/reports/cost?period=week&top=1"),
];

/// What is asked by a body.
const SEARCH: &str = "/api/v1/sessions/search?limit=1";

fn compare(name: &str, question: &str, answer: &Answer) {
    let body = serde_json::to_string_pretty(&answer.ok()).expect("JSON");
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../answers");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    settings.bind(|| insta::assert_snapshot!(name, format!("{question}\n\n{}\n{body}", answer.status)));
}

#[tokio::test]
async fn the_answers_are_as_they_were_looked_at() {
    let app = App::in_process(Release::V1_109_1).await;
    for (name, path) in QUESTIONS {
        compare(name, &format!("GET {path}"), &app.get(path).await);
    }
    let body = json!({"agent_name": "support-bot"});
    compare("sessions-search", &format!("POST {SEARCH}\n{body}"), &app.post(SEARCH, &body).await);
}

#[test]
fn every_endpoint_is_asked() {
    for endpoint in endpoints::of_the_api() {
        let is_its = |question: &str| {
            let path = question.split('?').next().unwrap_or_default();
            let parts: Vec<&str> = endpoint.route.split(['{', '}']).collect();
            match parts[..] {
                [start, _, end] => path
                    .strip_prefix(start)
                    .and_then(|rest| rest.strip_suffix(end))
                    .is_some_and(|id| !id.is_empty() && !id.contains('/')),
                _ => path == endpoint.route,
            }
        };
        let is_asked = match endpoint.method {
            Method::POST => is_its(SEARCH),
            _ => QUESTIONS.iter().any(|(_, question)| is_its(question)),
        };
        assert!(is_asked, "{} {} has no answer in tests/answers", endpoint.method, endpoint.path);
    }
}
