//! The cost report that arrives by itself: on AWS a schedule starts it, a person runs the same by hand.
//!
//! - [`event`] is what is asked for, [`settings`] who gets it.
//! - [`rendered_report`] is a report as it is sent: made once, in all forms.
//! - [`state`] is what has been sent, so that nobody gets a report twice however often a run is repeated.
//! - [`targets`] brings it there.
//! - [`budgets`] tells of budgets that run out.
//! - [`maker`] makes the reports, [`reporter`] does all of this.

pub mod aws;
pub mod budgets;
mod command;
mod delivery_run;
pub mod event;
pub mod http;
pub mod maker;
pub mod outcome;
mod queue;
pub mod rendered_report;
pub mod reporter;
pub mod secret;
pub mod settings;
pub mod state;
pub mod targets;

use std::time::Duration;

use serde_json::Value;
use traceability_core::environment::{ConfigError, Environment};
use traceability_db::config::DatabaseConfig;
use traceability_runtime::job::{Failure, Job};

pub use command::Command;
pub use http::RetryPolicy;
pub use outcome::Outcome;
pub use reporter::{Reporter, RunError};
pub use settings::Settings;

/// The scheduled job.
pub struct CostReporter(Reporter);

impl Job for CostReporter {
    const NAME: &'static str = "cost-report";

    /// Read by hand, to say what is allowed where it is not understood.
    type Event = Value;

    fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let settings = Settings::for_lambda(environment)?;
        let database = DatabaseConfig::from_environment(environment)?;
        Reporter::new(settings, database, environment).map(Self)
    }

    async fn run(&self, event: Value, time: Duration) -> Result<(), Failure> {
        Box::pin(self.0.run(&event, time)).await.map(|_| ()).map_err(Failure::new)
    }
}
