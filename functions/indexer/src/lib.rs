//! The indexer: keeps the schema `traceability` up to date with LiteLLM's log. On AWS it runs every minute; a person runs
//! the same by hand, to fill the index at first and to repair it.

mod command;
mod down;
mod progress;

use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_index::refresh::{Outcome, Refresh, RefreshConfig, RefreshError};
use traceability_runtime::job::{Failure, Job};

pub use command::Command;

/// The scheduled job.
pub struct Indexer {
    database: DatabaseConfig,
    config: RefreshConfig,
}

impl Job for Indexer {
    const NAME: &'static str = "indexer";

    /// It does the same whatever it is told.
    type Event = IgnoredAny;

    fn from_environment(environment: &Environment) -> Result<Self, traceability_core::environment::ConfigError> {
        Ok(Self {
            database: DatabaseConfig::from_environment(environment)?,
            config: RefreshConfig::from_environment(environment)?,
        })
    }

    /// The template makes metrics of what is logged.
    async fn run(&self, _: IgnoredAny, time: Duration) -> Result<(), Failure> {
        let began = Instant::now();
        let outcome = self.refresh(began + time).await.map_err(Failure::new)?;
        tracing::info!(
            copied_rows = outcome.copied,
            changed_rows = outcome.changed,
            rolled_up_rows = outcome.rolled,
            complete = outcome.complete,
            lag_seconds = outcome.lag.map(|lag| lag.num_seconds()),
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "index refreshed"
        );
        Ok(())
    }
}

impl Indexer {
    async fn refresh(&self, deadline: Instant) -> Result<Outcome, RefreshError> {
        let index = self.database.of_index();
        let mut nobody = ();
        Refresh::open(&self.database, index, self.config.clone(), Some(deadline), &mut nobody).await?.run().await
    }
}
