//! Keeping the index up to date.
//!
//! There is one mechanism: a *slice* of the log, the requests that started in a span of time, is compared with the index,
//! and what differs is copied anew ([`copy`]) and merged in one transaction ([`merge`]), together with the sessions it
//! belongs to. How much is compared makes the difference: by the minute what is new ([`slices`]), by the hour, more closely,
//! what may have been altered ([`compare`]). Nothing is remembered of what was copied, so that an interruption at any
//! point, or a second indexer, leaves nothing to repair. Roll-ups follow ([`roll`]).

mod compare;
mod connect;
mod copy;
mod labels;
mod merge;
mod names;
mod narrow;
mod roll;
mod slices;
mod staging;
mod stale;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::name_paths::NamePaths;
use traceability_core::time::TimeWindow;
use traceability_db::DbError;
use traceability_db::config::DatabaseConfig;
use traceability_litellm::Log;

use compare::Comparison;
pub use connect::{ConnectError, open_index};

/// What becomes of indexed requests that LiteLLM's log no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// They stay, marked: the log's retention must not change what the past cost.
    Keep,
    /// They are taken out of the index.
    Forget,
}

/// Why the index could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// A database cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// LiteLLM's log cannot be read.
    #[error("LiteLLM's database: {0}")]
    Log(DbError),
    /// Another connection has locked LiteLLM's log.
    #[error(
        "another connection holds a lock on LiteLLM's log, such as a migration or VACUUM FULL: this run ends, and the next \
         one goes on where it stopped"
    )]
    Locked,
    /// The index cannot be written.
    #[error("the database of the index: {0}")]
    Index(#[from] sqlx::Error),
    /// There is no index, or one of another version.
    #[error("the database has no schema traceability of this version: make it first, with 'make migrate'")]
    NotMigrated,
}

impl From<DbError> for RefreshError {
    fn from(error: DbError) -> Self {
        /// `lock_not_available`
        const LOCK_TIMEOUT: &str = "55P03";
        let DbError::Database(sqlx::Error::Database(database)) = &error else { return Self::Log(error) };
        if database.code().is_some_and(|code| code == LOCK_TIMEOUT) { Self::Locked } else { Self::Log(error) }
    }
}

/// How the index is brought up to date.
#[derive(Debug, Clone)]
pub struct RefreshConfig {
    /// `INDEX_ROWS_PER_SECOND`: how many rows are copied in a second at most, so that LiteLLM's database has time for
    /// LiteLLM; default 20,000.
    pub rows_per_second: u32,
    /// `INDEX_LOOK_BACK_MINUTES`: how far back new rows are looked for each time; default 60. What comes later still is
    /// found by the comparison that goes round.
    pub look_back: TimeDelta,
    /// `INDEX_SETTLE_MINUTES`: how old requests must be to be rolled up; default 15. Most rows are in the log by then.
    pub settle: TimeDelta,
    /// How long a statement waits for a lock on LiteLLM's log before the run ends; 10 s.
    pub lock_timeout: Duration,
    /// A month with fewer requests does not decide which levels of roll-ups are worth their room: it takes little; 10,000.
    pub least_decisive: i64,
}

/// Long enough for LiteLLM's usual migrations, short enough that a run of a minute can say what the matter is.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// All levels of so many requests take a few dozen MB.
const LEAST_DECISIVE: i64 = 10_000;

impl RefreshConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting does not parse.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let minutes = |name, default, most: i64| {
            let minutes: i64 = environment.parse(name, "a whole number of minutes")?.unwrap_or(default);
            if (1..=most).contains(&minutes) {
                Ok(TimeDelta::minutes(minutes))
            } else {
                Err(ConfigError { name, reason: format!("must be a whole number of minutes from 1 to {most}") })
            }
        };
        let name = "INDEX_ROWS_PER_SECOND";
        let rows_per_second = environment.parse(name, "a whole number of rows")?.unwrap_or(20_000);
        if rows_per_second == 0 {
            return Err(ConfigError { name, reason: "must be a whole number of rows, at least 1".into() });
        }
        Ok(Self {
            rows_per_second,
            look_back: minutes("INDEX_LOOK_BACK_MINUTES", 60, 1440)?,
            settle: minutes("INDEX_SETTLE_MINUTES", 15, 1440)?,
            lock_timeout: LOCK_TIMEOUT,
            least_decisive: LEAST_DECISIVE,
        })
    }
}

/// What is done on the way, for whoever watches.
pub trait Progress: Send {
    /// A part begins that has so many steps.
    fn begin(&mut self, part: &'static str, steps: u64);
    /// Steps are done.
    fn advance(&mut self, steps: u64);
}

/// Nobody watches.
impl Progress for () {
    fn begin(&mut self, _: &'static str, _: u64) {}
    fn advance(&mut self, _: u64) {}
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that were read of LiteLLM's log.
    pub copied: u64,
    /// Rows of the index that were added or altered.
    pub changed: u64,
    /// Requests that were rolled up.
    pub rolled: u64,
    /// Whether there was nothing left to do; else the time was over, or another indexer was at work.
    pub complete: bool,
    /// How far answers from the index are behind LiteLLM's log now; `None` until it has had all of the log once.
    pub lag: Option<TimeDelta>,
}

/// An indexer: LiteLLM's log on one side, the index on the other.
pub struct Refresh<'a> {
    log: PgConnection,
    index: PgConnection,
    /// For a second connection where there is much to write.
    index_config: DatabaseConfig,
    names: NamePaths,
    projection: Log,
    config: RefreshConfig,
    /// When to stop, at the latest.
    deadline: Option<Instant>,
    progress: &'a mut dyn Progress,
    outcome: Outcome,
}

/// What is begun takes a few seconds to end.
const LAST_BATCH: Duration = Duration::from_secs(8);

/// Only one indexer writes at a time. The number has no meaning but to be the same.
const LOCK: i64 = 0x7472_6163_6561_6269;

impl<'a> Refresh<'a> {
    /// Connects to both sides. They may be the same database.
    ///
    /// # Errors
    /// [`RefreshError`] when one cannot be reached, or has no log or no index.
    pub async fn open(
        log: &DatabaseConfig,
        index: &DatabaseConfig,
        config: RefreshConfig,
        deadline: Option<Instant>,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, RefreshError> {
        let index_config = index.clone();
        let mut index = connect::open_index(index).await?;
        if !super::Index::exists(&mut index).await? {
            return Err(RefreshError::NotMigrated);
        }
        let mut source = connect::open_log(log, config.lock_timeout).await?;
        let names = log.names.clone();
        let projection = Log::probe(&mut source, &names).await?;
        let outcome = Outcome::default();
        Ok(Self { log: source, index, index_config, names, projection, config, deadline, progress, outcome })
    }

    /// Copies what is new, rolls up what has settled, and compares a part of the rest.
    ///
    /// # Errors
    /// [`RefreshError`] when one of the databases does not do its part. Nothing is left half done.
    pub async fn run(&mut self) -> Result<Outcome, RefreshError> {
        let now = self.now().await?;
        let known = self.as_of().await?;
        // The first time, or after an interruption that lasted longer, from where it stands.
        let since = known.map(|known| known.min(now) - self.config.look_back);
        let complete = self.copy_since(since, now).await? && self.roll(now).await?;
        if complete {
            self.compare_a_part(now).await?;
        }
        self.end(complete).await
    }

    /// Compares all of the log with the index, hour by hour and with all that the index has of a row, and repairs what differs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn reconcile(&mut self) -> Result<Outcome, RefreshError> {
        let now = self.now().await?;
        let complete = match self.extent().await? {
            Some(extent) => self.compare(extent, Comparison::Everything).await? && self.roll(now).await?,
            None => true,
        };
        self.end(complete).await
    }

    /// Copies a window anew, whatever the index has of it, and rolls it up. What becomes of rows that the log no longer has is
    /// for `on_missing` to say.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn rebuild(&mut self, window: TimeWindow, on_missing: OnMissing) -> Result<Outcome, RefreshError> {
        let now = self.now().await?;
        let complete = self.copy_again(window, on_missing).await? && self.roll(now).await?;
        if on_missing == OnMissing::Forget
            && let Some(mut transaction) = begin(&mut self.index).await?
        {
            narrow::forget_owners(&mut transaction).await?;
            transaction.commit().await?;
        }
        self.end(complete).await
    }

    /// What was done, and how things stand now.
    async fn end(&mut self, complete: bool) -> Result<Outcome, RefreshError> {
        let now = self.now().await?;
        self.outcome.complete = complete;
        self.outcome.lag = self.as_of().await?.map(|as_of| now - as_of);
        Ok(self.outcome)
    }

    /// Up to when the index has what LiteLLM's log held.
    async fn as_of(&mut self) -> sqlx::Result<Option<DateTime<Utc>>> {
        sqlx::query_scalar("SELECT as_of FROM traceability.state").fetch_one(&mut self.index).await
    }

    /// The time of LiteLLM's database: the rows it shows were written before.
    async fn now(&mut self) -> Result<DateTime<Utc>, RefreshError> {
        Ok(sqlx::query_scalar("SELECT statement_timestamp()").fetch_one(&mut self.log).await.map_err(DbError::from)?)
    }

    /// Asks again which columns LiteLLM's log has, and returns whether they are others than before: filling the index takes
    /// hours, and LiteLLM may be upgraded meanwhile.
    async fn probe_again(&mut self) -> Result<bool, RefreshError> {
        let projection = Log::probe(&mut self.log, &self.names).await?;
        let is_new = !projection.has_schema_of(&self.projection);
        if is_new {
            self.projection = projection;
        }
        Ok(is_new)
    }

    /// Whether there is time for another batch.
    fn has_time(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() + LAST_BATCH < deadline)
    }
}

/// Begins a transaction of the only writer; `None` while another is at work.
async fn begin(index: &mut PgConnection) -> sqlx::Result<Option<Transaction<'_, Postgres>>> {
    let mut transaction = index.begin().await?;
    let alone: bool =
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(&mut *transaction).await?;
    Ok(alone.then_some(transaction))
}
