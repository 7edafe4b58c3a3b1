//! LiteLLM's database and that of the index, as a request asks for them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use traceability_core::clock::Clock;
use traceability_core::environment::ConfigError;
use traceability_core::name_paths::NamePaths;
use traceability_db::config::{DatabaseConfig, IndexPlace};
use traceability_db::{Connection, DatabaseKind, DbError, DbStats, Probe, ProbeResult, Server};
use traceability_index::Index;
use traceability_litellm::Log;

use super::RequestSource;
use super::outage::Outage;
use super::source_connection::{LogPlace, SourceConnection};

/// LiteLLM's database, and that of the index: pools of read-only connections, and what is known of the tables there.
#[derive(Clone)]
pub struct Database {
    log: Server<LogTables>,
    /// Another database that may have the index.
    index: Option<Box<ApartIndex>>,
}

/// The database of an index that is not LiteLLM's.
#[derive(Clone)]
struct ApartIndex {
    server: Server<IndexTables>,
    outage: Arc<Outage>,
}

/// LiteLLM's tables, whose names for agents and conversations are found in these places, and the index if it is asked for.
#[derive(Clone)]
struct LogTables {
    names: NamePaths,
    index: bool,
}

/// What is known of LiteLLM's database.
struct ProbedLog {
    log: Arc<Log>,
    /// Whether there is an index, ready or not.
    has_index: bool,
}

/// The tables of an index in another database.
#[derive(Clone)]
struct IndexTables;

/// Whether there is an index, ready or not.
struct HasIndex(bool);

/// How long the tables are taken as they were. LiteLLM's upgrades add columns while this service runs, and some of them limit
/// keys. By the wall clock: a function's other clock stands still while Lambda freezes it.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// An index that was not there is looked for again after this time.
const LOOK_FOR_INDEX: TimeDelta = TimeDelta::seconds(20);

impl Probe for LogTables {
    type Tables = ProbedLog;

    const KIND: DatabaseKind = DatabaseKind::Log;

    async fn probe(&self, conn: &mut Connection) -> Result<ProbedLog, DbError> {
        let log = Arc::new(Log::probe(&mut *conn, &self.names).await?);
        let has_index = self.index && Index::exists(conn).await?;
        Ok(ProbedLog { log, has_index })
    }

    fn lifetime(&self, probed: &ProbedLog) -> TimeDelta {
        if self.index && !probed.has_index { LOOK_FOR_INDEX } else { FRESH }
    }
}

impl Probe for IndexTables {
    type Tables = HasIndex;

    const KIND: DatabaseKind = DatabaseKind::Index;

    async fn probe(&self, conn: &mut Connection) -> Result<HasIndex, DbError> {
        Ok(HasIndex(Index::exists(conn).await?))
    }

    fn lifetime(&self, probed: &HasIndex) -> TimeDelta {
        if probed.0 { FRESH } else { LOOK_FOR_INDEX }
    }
}

impl Database {
    /// Prepares the pools. Connects to nothing yet, so that a database that is down keeps no function from starting.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used, or contradicts another.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let index = match &config.index {
            IndexPlace::Elsewhere(config) => {
                Some(Box::new(ApartIndex { server: Server::new(config, IndexTables)?, outage: Arc::default() }))
            }
            IndexPlace::Off | IndexPlace::Here => None,
        };
        let tables = LogTables { names: config.names.clone(), index: matches!(config.index, IndexPlace::Here) };
        Ok(Self { log: Server::new(config, tables)?, index })
    }

    /// The same with another clock, by which what is known of the tables gets old.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        let index = self.index.map(|apart| {
            let ApartIndex { server, outage } = *apart;
            Box::new(ApartIndex { server: server.with_clock(clock.clone()), outage })
        });
        Self { log: self.log.with_clock(clock), index }
    }

    /// Whether the index has a database of its own.
    #[must_use]
    pub const fn has_apart_index(&self) -> bool {
        self.index.is_some()
    }

    /// A connection and the facts: those of the index where there is one and it is ready, else those of LiteLLM's log. It
    /// counts as a question over a time window, which takes the longer the longer the window is: one caller's such questions
    /// get only a share of the pool.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be reached or has no readable log table, and
    /// [`DbError::IndexDatabase`] when that of the index cannot be read: the log would take minutes for what the index
    /// answers, and LiteLLM's database would bear it.
    pub async fn connect(&self) -> Result<SourceConnection, DbError> {
        if let Some(stats) = DbStats::current() {
            stats.is_over_window();
        }
        self.connect_within(self.log.acquire_timeout()).await
    }

    /// As [`Self::connect`], to look one request or session up by its id, which the log answers as well: it does so while
    /// the database of the index cannot be read. See [`SourceConnection::require_index`].
    ///
    /// # Errors
    /// [`DbError`] when LiteLLM's database cannot be reached or has no readable log table.
    pub async fn look_up(&self) -> Result<SourceConnection, DbError> {
        // Half of the time, so that some is left for the log.
        match self.connect_within(self.log.acquire_timeout() / 2).await {
            Err(DbError::IndexDatabase(error)) => {
                let unread = DbError::IndexDatabase(error);
                tracing::warn!(
                    error = unread.safe_text(),
                    "the database of the index cannot be read: LiteLLM's log answers"
                );
                Ok(SourceConnection { unread_index: Some(unread), ..self.log().await? })
            }
            connection => connection,
        }
    }

    /// `max_wait` is how long to wait for a connection to the database of the index.
    async fn connect_within(&self, max_wait: Duration) -> Result<SourceConnection, DbError> {
        match self.connect_to_probed_tables(max_wait).await {
            // The index was there a moment ago, and was taken away.
            Err(error) if error.is_of_missing_table() => {
                self.forget_facts().await;
                self.connect_to_probed_tables(max_wait).await
            }
            connection => connection,
        }
    }

    async fn connect_to_probed_tables(&self, max_wait: Duration) -> Result<SourceConnection, DbError> {
        let mut has_index = false;
        if let Some(apart) = &self.index {
            let (mut conn, probed) = apart.open(max_wait).await?;
            has_index = probed.tables.0;
            if has_index && let Some(index) = Index::read(&mut conn).await.map_err(DbError::IndexDatabase)? {
                let log = LogPlace::Elsewhere { database: Box::new(self.clone()), opened: None };
                return Ok(SourceConnection { conn, facts: index_source(index), has_index, log, unread_index: None });
            }
        }
        let (mut conn, probed) = self.log.open(self.log.acquire_timeout()).await?;
        let log = Arc::clone(&probed.tables.log);
        let index = if probed.tables.has_index { Index::read(&mut conn).await? } else { None };
        let facts = match index {
            Some(index) => index_source(index),
            None => RequestSource::Log(Arc::clone(&log)),
        };
        let has_index = has_index || probed.tables.has_index;
        Ok(SourceConnection { conn, facts, has_index, log: LogPlace::Here(log), unread_index: None })
    }

    /// A connection and the facts of LiteLLM's own log, whether there is an index or not: where its keys are, and what was
    /// written a moment ago.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn log(&self) -> Result<SourceConnection, DbError> {
        let (conn, log) = self.open_log().await?;
        let facts = RequestSource::Log(Arc::clone(&log));
        Ok(SourceConnection { conn, facts, has_index: false, log: LogPlace::Here(log), unread_index: None })
    }

    pub(super) async fn open_log(&self) -> Result<(Connection, Arc<Log>), DbError> {
        let (conn, probed) = self.log.open(self.log.acquire_timeout()).await?;
        let log = Arc::clone(&probed.tables.log);
        Ok((conn, log))
    }

    /// Probes again before the next query: the schema is not what it was.
    pub async fn forget_facts(&self) {
        self.log.forget().await;
        if let Some(apart) = &self.index {
            apart.server.forget().await;
        }
    }

    /// Closes all connections that are not in use, and lets no more be made. Statements that nobody waits for any more get a
    /// moment to be cancelled.
    pub async fn close(&self) {
        self.log.close().await;
        if let Some(apart) = &self.index {
            apart.server.close().await;
        }
    }
}

impl ApartIndex {
    /// As [`Server::open`]. Once the server could not be reached, most requests are told so without trying.
    async fn open(&self, max_wait: Duration) -> Result<(Connection, Arc<ProbeResult<HasIndex>>), DbError> {
        let now = || self.server.clock().now();
        if self.outage.spares_trying(now()) {
            let spared = io::Error::new(io::ErrorKind::NotConnected, "it could not be reached a moment ago");
            return Err(DbError::IndexDatabase(spared.into()));
        }
        let opened = self.server.open(max_wait).await;
        match &opened {
            Ok(_) => self.outage.is_over(),
            Err(_) if self.server.is_exhausted() => self.outage.is_over(),
            // The caller's own questions are in the way: that says nothing of the server.
            Err(DbError::CallerBusy) => {}
            Err(_) => self.outage.goes_on(now()),
        }
        opened.map_err(|error| error.in_database(DatabaseKind::Index))
    }
}

/// The facts of an index, which the request's answer is as old as.
fn index_source(index: Index) -> RequestSource {
    if let Some(stats) = DbStats::current() {
        stats.is_as_of(index.as_of);
    }
    RequestSource::Index(Arc::new(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_is_not_there_is_looked_for_sooner() {
        for (has_index, lifetime) in [(false, LOOK_FOR_INDEX), (true, FRESH)] {
            assert_eq!(IndexTables.lifetime(&HasIndex(has_index)), lifetime);
        }
    }
}
