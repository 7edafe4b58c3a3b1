//! What one run does: the reports that are missing, to the targets that lack them.

use std::time::{Duration, Instant};

use serde_json::Value;
use traceability_core::clock::Clock;
use traceability_core::environment::{ConfigError, Environment};
use traceability_db::config::DatabaseConfig;
use traceability_report::Period;
use uuid::Uuid;

use crate::aws::Aws;
use crate::delivery_run::DeliveryRun;
use crate::event::{Event, EventError, refused};
use crate::http::{HttpClient, RetryPolicy};
use crate::maker::ReportMaker;
use crate::outcome::Outcome;
use crate::queue::Queue;
use crate::settings::{Place, Settings, Target};
use crate::state::{Bucket, DeliveryLedger, Folder, Store};
use crate::targets::DeliveryContext;

/// What runs go by.
pub struct Reporter {
    pub(crate) settings: Settings,
    maker: ReportMaker,
    clock: Clock,
    http: HttpClient,
    aws: Aws,
}

/// Why a run is to be repeated, or not.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The event is not understood. Nothing was sent.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Some targets lack something still.
    #[error("not delivered: {}", .0.iter().map(undelivered).collect::<Vec<_>>().join("; "))]
    Undelivered(Vec<Outcome>),
}

fn undelivered(outcome: &Outcome) -> String {
    let reason = outcome.result.as_ref().err().map_or("", String::as_str);
    format!("{} to {} ({reason})", outcome.what, outcome.target)
}

impl Reporter {
    /// A reporter for a database.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn new(settings: Settings, config: DatabaseConfig, environment: &Environment) -> Result<Self, ConfigError> {
        let maker = ReportMaker::new(&settings, config, environment)?;
        Ok(Self { settings, maker, clock: Clock::system(), http: HttpClient::default(), aws: Aws::default() })
    }

    /// The same with another clock, another retry policy, and another AWS.
    #[must_use]
    pub fn with(self, clock: Clock, retry_policy: RetryPolicy, aws: Aws) -> Self {
        let maker = self.maker.with_clock(clock.clone());
        Self { maker, clock, http: HttpClient::new(retry_policy), aws, ..self }
    }

    /// Closes its connections to the database.
    pub async fn close(&self) {
        self.maker.close().await;
    }

    /// What makes the reports.
    #[must_use]
    pub const fn maker(&self) -> &ReportMaker {
        &self.maker
    }

    /// Sends what an event asks for and was not sent yet.
    ///
    /// # Errors
    /// [`RunError`] when the event is not understood, or a target lacks something still. The others have theirs.
    pub async fn run(&self, event: &Value, time: Duration) -> Result<Vec<Outcome>, RunError> {
        let deadline = Instant::now() + time;
        let now = self.clock.now();
        let event = Event::parse(event)?;
        let span = event.span(self.settings.zone, now)?;
        if span.window.end > now {
            return Err(refused("to is in the future: a report is sent once, so its time has to be over").into());
        }
        let targets = event.targets(&self.settings.targets, &span)?;
        self.settings.secrets.forget().await;
        let store = self.store().await;
        let context =
            DeliveryContext { aws: &self.aws, http: &self.http, secrets: &self.settings.secrets, store: &store };
        let ledger = DeliveryLedger { store: &store, clock: &self.clock, run: Uuid::new_v4().to_string() };
        let region = self.region(&store).await;
        let queue = Queue::default();
        let run = DeliveryRun { maker: &self.maker, context, ledger, span, deadline, region, queue };
        let alerts_are_due =
            event.from.is_none() && span.period == Some(Period::Day) && !self.settings.reports.budgets.is_empty();
        let notified: Vec<&Target> = match event.targets {
            _ if !alerts_are_due => Vec::new(),
            Some(_) => targets.clone(),
            None => self.settings.targets.iter().collect(),
        };
        // Boxed, as what they hold of the SDK's futures is large.
        let (mut outcomes, alerts) = tokio::join!(Box::pin(run.reports(&targets)), Box::pin(run.alerts(&notified)));
        outcomes.extend(alerts);
        for outcome in &outcomes {
            outcome.log(&span);
        }
        if outcomes.iter().all(|outcome| outcome.result.is_ok()) {
            Ok(outcomes)
        } else {
            outcomes.retain(|outcome| outcome.result.is_err());
            Err(RunError::Undelivered(outcomes))
        }
    }

    async fn store(&self) -> Store {
        match &self.settings.place {
            Place::Bucket(name) => Store::Bucket(Bucket::new(self.aws.s3().await, name.clone())),
            Place::Folder(path) => Store::Folder(Folder::new(path.clone())),
        }
    }

    async fn region(&self, store: &Store) -> Option<String> {
        match store {
            Store::Bucket(_) => self.aws.region().await,
            Store::Folder(_) => None,
        }
    }
}
