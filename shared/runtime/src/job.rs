//! Running a scheduled job on AWS Lambda.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use traceability_core::environment::{ConfigError, Environment};

use crate::telemetry::{self, LogFormat};

/// Something that a schedule starts.
pub trait Job: Sized + Send + Sync + 'static {
    /// Its name in the log.
    const NAME: &'static str;

    /// What starts it: what a schedule says, or a person. What does not read as one fails the invocation with the reason of
    /// the reader; a job that wants to say more takes any JSON.
    type Event: DeserializeOwned + Send;

    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    fn from_environment(environment: &Environment) -> Result<Self, ConfigError>;

    /// Does what there is to do, in this time.
    fn run(&self, event: Self::Event, time: Duration) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Why a job failed, for the log.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// With all causes.
    #[must_use]
    pub fn new(error: impl Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

/// What is left of an invocation's time when the job is told to end.
const MARGIN: Duration = Duration::from_secs(3);
/// The time of an invocation whose deadline was over before it began: cargo-lambda's emulator gives each the same one.
const WITHOUT_DEADLINE: Duration = Duration::from_mins(1);

/// Runs the job for each invocation, until Lambda ends the environment.
pub async fn run<J: Job>() -> ExitCode {
    let environment = Environment::of_process();
    telemetry::start(LogFormat::json(&environment), &environment);
    let job = match J::from_environment(&environment) {
        Ok(job) => Arc::new(job),
        Err(error) => {
            tracing::error!(setting = error.name, "{error}");
            return ExitCode::FAILURE;
        }
    };
    let invoke = move |event: LambdaEvent<J::Event>| {
        let job = Arc::clone(&job);
        async move {
            let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(WITHOUT_DEADLINE);
            // An invocation that fails is one of Lambda's errors, which an alarm counts.
            let done = job.run(event.payload, left.saturating_sub(MARGIN)).await;
            done.inspect_err(|error| tracing::error!(job = J::NAME, "{error}")).map_err(lambda_runtime::Error::from)
        }
    };
    match lambda_runtime::run(service_fn(invoke)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
