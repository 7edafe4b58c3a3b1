//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::access::Scope;
use crate::config::{ConfigError, DatabaseConfig};
use crate::db::Database;

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
    /// Which rows the callers may see: all, until callers have names.
    pub scope: Scope,
}

/// What a request may take beyond its statement: connecting, reading, writing the answer.
const MARGIN: Duration = Duration::from_millis(600);

impl AppState {
    /// The state for a database.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let deadline = config.statement_timeout.max(config.acquire_timeout) + MARGIN;
        Ok(Self {
            db: Database::new(config)?,
            clock: Clock::system(),
            deadline,
            largest_answer: None,
            scope: Scope::AllRows,
        })
    }
}
