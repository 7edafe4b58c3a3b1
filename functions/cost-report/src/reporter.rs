//! What one run does: the reports that are missing, to the targets that lack them.

use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use serde_json::Value;
use traceability_core::clock::Clock;
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::report_settings::Budgets;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_db::DbStats;
use traceability_db::config::DatabaseConfig;
use traceability_queries::Source;
use traceability_queries::source::Database;
use traceability_report::{Asked, BudgetUse, CostReport, Period, RenderError, Span, budget_use, cost_report};
use uuid::Uuid;

use crate::aws::Aws;
use crate::delivery_run::DeliveryRun;
use crate::event::{Event, EventError, refused};
use crate::http::{HttpClient, RetryPolicy};
use crate::queue::Queue;
use crate::settings::{Place, Settings, Target};
use crate::state::{Bucket, Delivered, DeliveryLedger, Folder, Store};
use crate::targets::DeliveryContext;

/// What runs go by.
pub struct Reporter {
    pub(crate) settings: Settings,
    database: Database,
    clock: Clock,
    poster: HttpClient,
    aws: Aws,
}

/// How one delivery went.
#[derive(Debug)]
pub struct Outcome {
    /// The target's name.
    pub target: String,
    /// `report` or `budget_alert`.
    pub what: &'static str,
    /// What became of it, or why it has to be tried again.
    pub result: Result<Delivered, String>,
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

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The database did not answer; the log says why.
    #[error("the database does not answer as it should: the log says why")]
    Database,
    /// The index lacks a part of the time.
    #[error("the index has requests up to {0} only: the report is made when it has all of them")]
    IndexBehind(chrono::DateTime<chrono::Utc>),
    /// A form cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// A report reads more than an answer of the API may.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(28);

impl Reporter {
    /// A reporter for a database.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn new(settings: Settings, mut config: DatabaseConfig, environment: &Environment) -> Result<Self, ConfigError> {
        if environment.get("STATEMENT_TIMEOUT_MS").is_none() {
            config.statement_timeout = STATEMENT_TIMEOUT;
        }
        Ok(Self {
            settings,
            database: Database::new(&config)?,
            clock: Clock::system(),
            poster: HttpClient::default(),
            aws: Aws::default(),
        })
    }

    /// The same with another clock, another patience with those who are posted to, and another AWS.
    #[must_use]
    pub fn with(self, clock: Clock, patience: RetryPolicy, aws: Aws) -> Self {
        Self { clock, poster: HttpClient::new(patience), aws, ..self }
    }

    /// Closes its connections to the database.
    pub async fn close(&self) {
        self.database.close().await;
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
        let means =
            DeliveryContext { aws: &self.aws, poster: &self.poster, secrets: &self.settings.secrets, store: &store };
        let courier = DeliveryLedger { store: &store, clock: &self.clock, run: Uuid::new_v4().to_string() };
        let region = self.region(&store).await;
        let round = DeliveryRun { reporter: self, means, courier, span, deadline, region, queue: Queue::default() };
        let tells =
            event.from.is_none() && span.period == Some(Period::Day) && !self.settings.reports.budgets.is_empty();
        let told: Vec<&Target> = match event.targets {
            _ if !tells => Vec::new(),
            Some(_) => targets.clone(),
            None => self.settings.targets.iter().collect(),
        };
        // Boxed, as what they hold of the SDK's futures is large.
        let (mut outcomes, alerts) = tokio::join!(Box::pin(round.reports(&targets)), Box::pin(round.alerts(&told)));
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

    /// Makes a report for somebody who looks at it once.
    ///
    /// # Errors
    /// [`MakeError`] where it cannot be made.
    pub async fn make(&self, asked: &Asked) -> Result<CostReport, MakeError> {
        DbStats::settled(async {
            let mut session = self.database.connect().await?;
            let behind = session.facts.as_of().filter(|as_of| *as_of < asked.span.window.end);
            if let Some(as_of) = behind.filter(|_| asked.span.window.end <= asked.now) {
                return Err(MakeError::IndexBehind(as_of));
            }
            let source = Source { facts: &session.facts, scope: &Scope::AllRows };
            Ok(cost_report(&mut session.conn, source, asked).await.map_err(DbError::from)?)
        })
        .await
    }

    /// What was used of budgets, up to each of these instants.
    pub(crate) async fn budgets(
        &self,
        budgets: &Budgets,
        span: &Span,
        untils: &[chrono::DateTime<chrono::Utc>],
    ) -> Result<Vec<BudgetUse>, MakeError> {
        DbStats::settled(async {
            let mut session = self.database.connect().await?;
            let source = Source { facts: &session.facts, scope: &Scope::AllRows };
            let mut all = Vec::new();
            for until in untils {
                let used = budget_use(&mut session.conn, source, budgets, span.zone, *until).await;
                all.extend(used.map_err(DbError::from)?);
            }
            Ok(all)
        })
        .await
    }

    /// What a report is asked to be about.
    #[must_use]
    pub fn asked(&self, span: Span) -> Asked {
        Asked {
            span,
            filter: traceability_queries::filter::RequestFilter::default(),
            top: self.settings.top,
            links: self.settings.reports.links.clone(),
            budgets: self.settings.reports.budgets.clone(),
            charges: true,
            now: self.clock.now(),
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
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

impl From<DbError> for MakeError {
    /// The log is told all, and whoever gets the error that it does.
    fn from(error: DbError) -> Self {
        error.log();
        Self::Database
    }
}

impl Outcome {
    fn log(&self, span: &Span) {
        let (target, what, time) = (&self.target, self.what, span.label());
        match &self.result {
            Ok(Delivered::Now) => tracing::info!(target_name = target, what, time, "delivered"),
            Ok(Delivered::Before) => tracing::info!(target_name = target, what, time, "delivered before"),
            Ok(Delivered::Left) => tracing::warn!(
                target_name = target,
                what,
                time,
                advice = "look whether it arrived: it will not be sent again",
                "perhaps delivered"
            ),
            Err(reason) => tracing::error!(target_name = target, what, time, reason, "not delivered"),
        }
    }
}

/// A name that is the same for the same thing.
pub(crate) fn id_of(kind: &str, parts: &[&str]) -> String {
    let digest = digest(&SHA256, parts.join("\n").as_bytes());
    format!("{kind}_{}", hex::encode(&digest.as_ref()[..16]))
}
