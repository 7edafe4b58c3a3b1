//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::access::{Access, Exposure};
use crate::config::{ConfigError, DatabaseConfig, Environment};
use crate::content::Redaction;
use crate::db::Database;
use crate::report::ReportSettings;
use crate::telemetry::audit::Audit;

/// The time, passed in so that a test can stop it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that stands still.
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Arc::new(move || at))
    }

    /// A clock of the caller's own.
    #[must_use]
    pub fn of(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

/// The state of the routers.
#[derive(Clone)]
pub struct AppState {
    /// LiteLLM's database.
    pub db: Database,
    /// The time.
    pub clock: Clock,
    /// How long a request may take before it is answered with 504.
    pub deadline: Duration,
    /// How many bytes an answer may have, where something between here and the client carries no more.
    pub largest_answer: Option<u64>,
    /// How callers prove who they are.
    pub access: Arc<Access>,
    /// What is replaced in content before it leaves.
    pub redaction: Arc<Redaction>,
    /// Where reads of content are noted.
    pub audit: Arc<Audit>,
    /// What reports are told.
    pub reports: Arc<ReportSettings>,
}

/// What a request may take beyond its statement: connecting, reading, writing the answer.
const MARGIN: Duration = Duration::from_millis(600);

impl AppState {
    /// The state for a database, with the settings of access, as far as callers can reach the service.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn new(config: &DatabaseConfig, environment: &Environment, exposure: Exposure) -> Result<Self, ConfigError> {
        let deadline = config.statement_timeout.max(config.acquire_timeout) + MARGIN;
        Ok(Self {
            db: Database::new(config)?,
            clock: Clock::system(),
            deadline,
            largest_answer: None,
            access: Arc::new(Access::from_environment(environment, exposure)?),
            redaction: Arc::new(Redaction::from_environment(environment)?),
            audit: Arc::new(Audit::from_environment(environment)?),
            reports: Arc::new(ReportSettings::from_environment(environment)?),
        })
    }
}
