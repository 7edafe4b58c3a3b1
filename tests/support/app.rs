//! The API over a test database: asked through its router, or as Lambda functions behind a gateway.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, Utc};
use local::fixtures::Release;
use serde_json::Value;
use tower::ServiceExt;
use traceability_access::{Access, Exposure};
use traceability_content::Redaction;
use traceability_core::clock::Clock;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_http::audit::Audit;
use traceability_http::{AppState, layers};

use crate::answer::Answer;
use crate::audit::AuditLog;
use crate::database::{Database, is_indexed, is_native};
use crate::emulator::Emulator;
use http::header::AUTHORIZATION;
use http::{Method, Request};

/// The whole API, over one database, at one moment.
#[derive(Clone)]
pub struct App {
    router: Router,
    /// What stands before the functions that are asked instead of the router.
    gateway: Option<Emulator>,
    /// The database it reads.
    pub database: Arc<Database>,
    /// What it takes for now.
    pub now: DateTime<Utc>,
    /// Its state, for tests that call the queries themselves.
    pub state: AppState,
    /// What it noted of reads of content and of failed logins.
    pub audit: AuditLog,
    /// The key or the token that goes with each request.
    key: Option<String>,
}

impl App {
    /// The API over the rows of a release, an hour after the last of them. Where `E2E_GATEWAYS` names a gateway for the
    /// release, it is the functions behind it that are asked; they read the same rows at the same hour.
    pub async fn of_release(release: Release) -> Self {
        let mut app = Self::in_process(release).await;
        app.gateway = Emulator::of(release);
        app
    }

    /// The API over the rows of a release, always in this process: for tests that look inside.
    pub async fn in_process(release: Release) -> Self {
        let newest = release.newest().expect("the release has rows").and_utc();
        Self::over(Database::of_release(release).await, newest + chrono::Duration::hours(1), &[])
    }

    /// The API over a database, at `now`, with these settings.
    #[must_use]
    pub fn over(database: Arc<Database>, now: DateTime<Utc>, settings: &[(&str, &str)]) -> Self {
        let environment: Environment = settings.iter().copied().collect();
        let mut config =
            DatabaseConfig::with_url(database.url().to_owned(), &environment).expect("the settings are allowed");
        // Many tests share a server, and all of them an embedded one's one connection: they may have to wait.
        config.acquire_timeout = Duration::from_mins(10);
        if !settings.iter().any(|(name, _)| *name == "STATEMENT_TIMEOUT_MS") {
            config.statement_timeout = Duration::from_mins(10);
        }
        if !is_native() {
            config.max_connections = 1;
        }
        let mut state = AppState::new(&config, &environment, Exposure::ThisMachine).expect("the settings are allowed");
        state.clock = Clock::fixed(now);
        state.deadline = Duration::from_mins(11);
        Self::with_state(database, now, state)
    }

    /// The API with a state of the test's own.
    #[must_use]
    pub fn with_state(database: Arc<Database>, now: DateTime<Utc>, mut state: AppState) -> Self {
        let audit = AuditLog::default();
        state.audit = Arc::new(Audit::to(audit.clone()));
        state.compress = Some(traceability_http::compression::compress);
        let router = layers::service(local::api::router(), state.clone());
        Self { router, gateway: None, database, now, state, audit, key: None }
    }

    /// The same API, with other settings of access.
    #[must_use]
    pub fn with_access(&self, settings: &[(&str, &str)]) -> Self {
        let environment: Environment = settings.iter().copied().collect();
        let access = Access::from_environment(&environment, Exposure::Network).expect("the settings are allowed");
        let mut state = self.state.clone();
        state.access = Arc::new(access);
        state.redaction = Arc::new(Redaction::from_environment(&environment).expect("the settings are allowed"));
        Self::with_state(Arc::clone(&self.database), self.now, state)
    }

    /// The same API, asked with this key or token.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Sends a request.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {key}").parse().expect("a header's value");
            request.headers_mut().entry(AUTHORIZATION).or_insert(bearer);
        }
        match &self.gateway {
            Some(gateway) => gateway.send(request).await,
            None => Answer::read(self.router.clone().oneshot(request).await.expect("a router cannot fail")).await,
        }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        let path = if is_indexed() { as_without_index(path) } else { path.to_owned() };
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string(), Some("application/json")).await
    }

    /// `POST path` with any body.
    pub async fn post_text(&self, path: &str, body: &str, content_type: Option<&str>) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    /// All items of a list, page by page through the `Link` headers, and how many pages there were.
    pub async fn all_pages(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut items, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let answer = self.get(&path).await;
            items.extend(answer.ok().as_array().expect("a list").clone());
            pages += 1;
            next = answer.next();
            assert!(pages < 10_000, "the pages do not end");
        }
        (items, pages)
    }
}

/// The same question with the defaults that hold without an index: no details, and percentiles that are exact.
fn as_without_index(path: &str) -> String {
    let mut path = path.to_owned();
    if path.contains("/api/v1/analytics/") && !path.contains("/analytics/sessions") {
        for (name, value) in [("details", "false"), ("exact", "true")] {
            if !path.contains(&format!("{name}=")) {
                path.push(if path.contains('?') { '&' } else { '?' });
                path.extend([name, "=", value]);
            }
        }
    }
    path
}
