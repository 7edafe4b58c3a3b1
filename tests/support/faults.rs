//! A database that fails, and what every endpoint answers then.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::task::JoinSet;
use traceability_access::Exposure;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_http::AppState;

use crate::answer::Answer;
use crate::app::App;
use crate::database::Database;
use crate::endpoints;

/// A request is answered within 5 s whatever the database does; a test machine may be as slow again.
pub const BOUND: Duration = Duration::from_secs(10);

/// The API as it is deployed, with its own limits, over whatever a URL leads to.
#[must_use]
pub fn api_at(url: &str, settings: &[(&str, &str)]) -> App {
    let environment: Environment = settings.iter().copied().collect();
    let config = DatabaseConfig::with_url(url.to_owned(), &environment).expect("the settings are allowed");
    let state = AppState::new(&config, &environment, Exposure::ThisMachine).expect("the settings are allowed");
    App::with_state(Arc::new(Database::at(url)), now(), state)
}

/// The present.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Asks every endpoint that reads the log, all at once, for the session or the request with this id.
///
/// # Panics
/// When one of them does not answer in time.
pub async fn ask_everything(app: &App, id: &str) -> Vec<(String, Answer)> {
    let mut asked = JoinSet::new();
    for endpoint in endpoints::over_the_log() {
        let (app, path) = (app.clone(), endpoint.with_id(id));
        asked.spawn(async move {
            let answer = async {
                if endpoint.method == http::Method::POST {
                    app.post(&path, &json!({})).await
                } else {
                    app.get(&path).await
                }
            };
            let answer = tokio::time::timeout(BOUND, answer).await;
            (path.clone(), answer.unwrap_or_else(|_| panic!("{path} does not answer")))
        });
    }
    asked.join_all().await
}

/// Checks that every endpoint says that the database is unavailable (503) or too slow (504), and nothing of what is
/// inside; that the health check says so too, in time; and that the service is alive.
///
/// # Panics
/// When one of this is not so.
pub async fn expect_outage(app: &App, status: u16) {
    for (path, answer) in ask_everything(app, "some-id").await {
        let problem = answer.problem(status);
        let kind = if status == 503 { "database-unavailable" } else { "timeout" };
        assert_eq!(problem["type"], format!("urn:llm-traceability:problem:{kind}"), "{path}");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{path}");
        expect_no_inside(&path, &answer, app);
    }
    let health = tokio::time::timeout(Duration::from_secs(4), app.get("/health")).await.expect("/health answers");
    assert_eq!(health.status, 503, "{}", health.text);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&health.text).expect("JSON")["status"], "unhealthy");
    expect_no_inside("/health", &health, app);
    assert_eq!(app.get("/health/live").await.ok()["status"], "alive");
}

fn expect_no_inside(path: &str, answer: &Answer, app: &App) {
    let url = url::Url::parse(app.database.url()).expect("a URL");
    let port = url.port().map(|port| port.to_string());
    let parts =
        [url.host_str().map(str::to_owned), port, Some(url.username().to_owned()), url.password().map(str::to_owned)];
    let name = url.path().trim_start_matches('/').to_owned();
    let words = ["SELECT", "SpendLogs", "sqlx", "postgres", "SQLSTATE", "relation", "role "].map(str::to_owned);
    // A request's id is random: it may hold a port.
    let id = answer.headers["x-request-id"].to_str().expect("an id");
    let text = answer.text.replace(id, "");
    for inside in parts.into_iter().flatten().chain([name]).chain(words).filter(|word| !word.is_empty()) {
        assert!(!text.contains(&inside), "{path} tells of {inside}: {text}");
    }
}
