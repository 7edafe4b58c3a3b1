//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use traceability_access::{Access, Exposure};
use traceability_content::Redaction;
use traceability_core::clock::Clock;
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::report_settings::ReportSettings;
use traceability_db::config::DatabaseConfig;
use traceability_queries::source::Database;

use crate::audit::Audit;
use crate::compression::Compress;

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
    /// What compresses answers for clients that take that; `None` where all leave as they are.
    pub compress: Option<Compress>,
    /// How callers prove who they are.
    pub access: Arc<Access>,
    /// What is replaced in content before it leaves.
    pub redaction: Arc<Redaction>,
    /// Where reads of content are noted.
    pub audit: Arc<Audit>,
    /// What reports are told.
    pub reports: Arc<ReportSettings>,
    /// Whether there is a page to send browsers to.
    pub dashboard: Dashboard,
}

/// Whether the service has a dashboard: the setting `DASHBOARD`, `on` if not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dashboard {
    /// At `/dashboard`.
    Served,
    /// It has none.
    Absent,
}

impl Dashboard {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`ConfigError`] when it says neither `on` nor `off`.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        match environment.get("DASHBOARD") {
            None | Some("on") => Ok(Self::Served),
            Some("off") => Ok(Self::Absent),
            Some(_) => Err(ConfigError { name: "DASHBOARD", reason: "must be on or off".into() }),
        }
    }
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
            compress: None,
            access: Arc::new(Access::from_environment(environment, exposure)?),
            redaction: Arc::new(Redaction::from_environment(environment)?),
            audit: Arc::new(Audit::from_environment(environment)?),
            reports: Arc::new(ReportSettings::from_environment(environment)?),
            dashboard: Dashboard::from_environment(environment)?,
        })
    }
}
