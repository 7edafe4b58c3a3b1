//! Cost reports on their way, from a database of a test's to a bucket and receivers of its own.

use std::sync::Arc;
use std::time::Duration;

use aws_config::ConfigLoader;
use chrono::{DateTime, TimeDelta, Utc};
use cost_report::aws::Aws;
use cost_report::{Outcome, Reporter, RetryPolicy, RunError, Settings};
use serde_json::{Value, json};
use traceability_core::clock::Clock;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;

use crate::Database;
use crate::bucket::{BUCKET, Fate, StrictBucket};
use crate::database::is_native;
use crate::receiver::Receiver;

/// Where reports go.
pub struct World {
    /// What ends a run in the middle.
    pub fate: Fate,
    /// Where they are kept.
    pub bucket: StrictBucket,
    /// Where they are posted.
    pub receiver: Receiver,
    database: Arc<Database>,
    settings: Vec<(String, String)>,
}

/// How long a receiver may take here.
pub const PATIENCE: RetryPolicy = RetryPolicy { attempt: Duration::from_millis(400), pause: Duration::from_millis(10) };
/// What messages are signed with.
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The time of a run.
pub const TIME: Duration = Duration::from_mins(1);

/// Files, a channel of Slack and a webhook.
pub const TARGETS: &str = r#"[
    {"kind": "s3"},
    {"kind": "slack", "url": {"env": "SLACK_URL"}},
    {"kind": "webhook", "url": {"env": "HOOK_URL"}, "key": {"env": "HOOK_KEY"}}
]"#;

impl World {
    /// A world in which everything works.
    pub async fn new(database: Arc<Database>, settings: &[(&str, &str)]) -> Self {
        let fate = Fate::default();
        let bucket = StrictBucket::start(fate.clone()).await;
        let receiver = Receiver::start(fate.clone()).await;
        let defaults = [
            ("REPORT_TARGETS", TARGETS.to_owned()),
            ("REPORT_BUCKET", BUCKET.to_owned()),
            ("SLACK_URL", receiver.url("/services/hunter2")),
            ("HOOK_URL", receiver.url("/hook/hunter2")),
            ("HOOK_KEY", KEY.to_owned()),
        ];
        let given = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let defaults = defaults.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { fate, bucket, receiver, database, settings: defaults.chain(given).collect() }
    }

    /// The same world, with other settings.
    #[must_use]
    pub fn with(mut self, settings: &[(&str, &str)]) -> Self {
        self.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// A reporter at this time. Close it before the next one: an embedded database has one connection.
    pub async fn reporter(&self, now: DateTime<Utc>) -> Reporter {
        self.reporter_in(now, self.bucket.aws()).await
    }

    /// A reporter that takes this for AWS.
    pub async fn reporter_in(&self, now: DateTime<Utc>, aws: ConfigLoader) -> Reporter {
        let environment: Environment = self.settings.iter().cloned().collect();
        let mut config =
            DatabaseConfig::with_url(self.database.url().to_owned(), &environment).expect("the settings are allowed");
        config.acquire_timeout = Duration::from_mins(10);
        if !is_native() {
            config.max_connections = 1;
        }
        let settings = Settings::from_environment(&environment).expect("the settings are allowed");
        let reporter = Reporter::new(settings, config, &environment).expect("the settings are allowed");
        reporter.with(Clock::fixed(now), PATIENCE, Aws::of(aws).await)
    }

    /// A run at this time.
    ///
    /// # Errors
    /// What it says.
    pub async fn run(&self, now: DateTime<Utc>, event: &Value) -> Result<Vec<Outcome>, RunError> {
        Box::pin(self.run_with(PATIENCE, now, event)).await
    }

    /// A run with another patience.
    ///
    /// # Errors
    /// What it says.
    pub async fn run_with(
        &self,
        patience: RetryPolicy,
        now: DateTime<Utc>,
        event: &Value,
    ) -> Result<Vec<Outcome>, RunError> {
        let _turn = self.database.exclusively().await;
        let aws = Aws::of(self.bucket.aws()).await;
        let reporter = self.reporter(now).await.with(Clock::fixed(now), patience, aws);
        let outcome = Box::pin(reporter.run(event, TIME)).await;
        reporter.close().await;
        outcome
    }

    /// A run that fate may strike; `None` then.
    pub async fn run_until_struck(&self, now: DateTime<Utc>, event: &Value) -> Option<Result<Vec<Outcome>, RunError>> {
        let _turn = self.database.exclusively().await;
        let reporter = Box::pin(self.reporter(now)).await;
        let outcome = tokio::select! {
            outcome = Box::pin(reporter.run(event, TIME)) => Some(outcome),
            () = self.fate.struck() => None,
        };
        reporter.close().await;
        outcome
    }
}

/// A Tuesday's morning.
pub const NOW: &str = "2026-11-24T06:00:00Z";

/// That time.
#[must_use]
pub fn now() -> DateTime<Utc> {
    NOW.parse().expect("a time")
}

/// A log with some requests of the day before.
pub async fn database(name: &str) -> Arc<Database> {
    let row = |number: i64, team: &str| {
        let start = now() - TimeDelta::hours(20) + TimeDelta::minutes(number);
        crate::made::row(&format!("r-{number}"), start, json!({"team_id": team, "spend": 1.5}))
    };
    crate::made::database(name, &[row(1, "team-support"), row(2, "team-support"), row(3, "team-sales")]).await
}
