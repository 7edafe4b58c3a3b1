//! Making reports, of the whole log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use traceability_core::clock::Clock;
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::report_settings::{Budgets, ReportSettings};
use traceability_core::scope::Scope;
use traceability_db::config::DatabaseConfig;
use traceability_db::{DbError, DbStats};
use traceability_queries::Source;
use traceability_queries::filter::RequestFilter;
use traceability_queries::source::Database;
use traceability_report::{BudgetUse, CostReport, RenderError, ReportQuery, Span, budget_use, cost_report};

use crate::settings::Settings;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The database did not answer; the log says why.
    #[error("the database does not answer as it should: the log says why")]
    Database,
    /// The index lacks a part of the time.
    #[error("the index has requests up to {0} only: the report is made when it has all of them")]
    IndexBehind(DateTime<Utc>),
    /// A form cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// A report reads more than an answer of the API may.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(28);

/// What reports are made from.
pub struct ReportMaker {
    database: Database,
    clock: Clock,
    settings: ReportSettings,
    top: u32,
}

impl ReportMaker {
    /// One for a database.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub(crate) fn new(
        settings: &Settings,
        mut config: DatabaseConfig,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        if environment.get("STATEMENT_TIMEOUT_MS").is_none() {
            config.statement_timeout = STATEMENT_TIMEOUT;
        }
        let database = Database::new(&config)?;
        Ok(Self { database, clock: Clock::system(), settings: settings.reports.clone(), top: settings.top })
    }

    /// The same with another clock.
    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Closes its connections to the database.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Makes a report for somebody who looks at it once.
    ///
    /// # Errors
    /// [`MakeError`] where it cannot be made.
    pub async fn make(&self, query: &ReportQuery) -> Result<CostReport, MakeError> {
        DbStats::settled(async {
            let mut db = self.database.connect().await?;
            let behind = db.facts.as_of().filter(|as_of| *as_of < query.span.window.end);
            if let Some(as_of) = behind.filter(|_| query.span.window.end <= query.now) {
                return Err(MakeError::IndexBehind(as_of));
            }
            let source = Source { facts: &db.facts, scope: &Scope::AllRows };
            Ok(cost_report(&mut db.conn, source, query).await.map_err(DbError::from)?)
        })
        .await
    }

    /// What was used of budgets, up to each of these instants.
    pub(crate) async fn budgets(
        &self,
        budgets: &Budgets,
        span: &Span,
        untils: &[DateTime<Utc>],
    ) -> Result<Vec<BudgetUse>, MakeError> {
        DbStats::settled(async {
            let mut db = self.database.connect().await?;
            let source = Source { facts: &db.facts, scope: &Scope::AllRows };
            let mut all = Vec::new();
            for until in untils {
                let used = budget_use(&mut db.conn, source, budgets, span.zone, *until).await;
                all.extend(used.map_err(DbError::from)?);
            }
            Ok(all)
        })
        .await
    }

    /// The query of a report about this time, of all requests, as the settings have it.
    #[must_use]
    pub fn query(&self, span: Span) -> ReportQuery {
        ReportQuery {
            span,
            filter: RequestFilter::default(),
            top: self.top,
            links: self.settings.links.clone(),
            budgets: self.settings.budgets.clone(),
            charges: true,
            now: self.clock.now(),
        }
    }

    /// The budgets that are set.
    pub(crate) const fn all_budgets(&self) -> &Budgets {
        &self.settings.budgets
    }

    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

impl From<DbError> for MakeError {
    /// The log is told all, and whoever gets the error that it does.
    fn from(error: DbError) -> Self {
        error.log();
        Self::Database
    }
}
