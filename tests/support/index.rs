//! The index of a test database.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use traceability_core::environment::Environment;
use traceability_core::time::TimeWindow;
use traceability_db::config::DatabaseConfig;
use traceability_index as index;
use traceability_index::Migration;
use traceability_index::refresh::{OnMissing, Outcome, Refresh, RefreshConfig, RefreshError};

pub use crate::sound::{assert_derived, assert_sound};

use crate::cluster::is_cluster;
use crate::database::Database;

/// How a database is indexed in tests: all that has settled a minute ago is rolled up.
#[must_use]
pub fn settings() -> [(&'static str, &'static str); 1] {
    [("INDEX_SETTLE_MINUTES", "1")]
}

/// Makes the schema; with `TEST_CITUS=on`, for a server that is the coordinator of a cluster, distributed over it.
pub async fn migrate(database: &Database) {
    let mut conn = database.connect().await;
    let migration = if is_cluster() { Migration::Citus } else { Migration::Single };
    index::migrate(&mut conn, migration).await.expect("the schema of the index");
    conn.close().await.expect("closed");
}

/// Makes the schema and fills it.
pub async fn fill(database: &Database) {
    migrate(database).await;
    let outcome = refresh(database).await.expect("the index is filled");
    assert!(outcome.complete);
    let mut conn: PgConnection = database.connect().await;
    sqlx::raw_sql("ANALYZE").execute(&mut conn).await.expect("ANALYZE");
    conn.close().await.expect("closed");
}

/// What an indexer is to do.
#[derive(Debug, Clone, Copy)]
pub enum Task {
    /// What it does every minute.
    Run,
    /// Compare everything.
    Reconcile,
    /// Copy a window anew.
    Rebuild(TimeWindow),
    /// The same, and take out what the log no longer has.
    Forget(TimeWindow),
}

/// Brings it up to date.
///
/// # Errors
/// Those of the indexer.
pub async fn refresh(database: &Database) -> Result<Outcome, RefreshError> {
    perform(database.url(), &settings(), Task::Run).await
}

/// Has an indexer of the log at a URL do something, with these settings.
///
/// # Errors
/// Those of the indexer.
pub async fn perform(url: &str, settings: &[(&str, &str)], task: Task) -> Result<Outcome, RefreshError> {
    let environment: Environment = settings.iter().copied().collect();
    let config = RefreshConfig::from_environment(&environment).expect("the settings are allowed");
    perform_with(url, &environment, config, task).await
}

/// Brings it up to date, and has each month with a few requests decide which levels of roll-ups are worth their room.
///
/// # Errors
/// Those of the indexer.
pub async fn refresh_thinly(database: &Database) -> Result<Outcome, RefreshError> {
    let environment: Environment = settings().into_iter().collect();
    let config = RefreshConfig::from_environment(&environment).expect("the settings are allowed");
    perform_with(database.url(), &environment, RefreshConfig { least_decisive: 20, ..config }, Task::Run).await
}

async fn perform_with(
    url: &str,
    environment: &Environment,
    refresh: RefreshConfig,
    task: Task,
) -> Result<Outcome, RefreshError> {
    let mut nobody = ();
    let config = DatabaseConfig::with_url(url.to_owned(), environment).expect("the settings are allowed");
    let deadline = std::time::Instant::now() + Duration::from_mins(10);
    let mut refresh = Refresh::open(&config, config.of_index(), refresh, Some(deadline), &mut nobody).await?;
    match task {
        Task::Run => refresh.run().await,
        Task::Reconcile => refresh.reconcile().await,
        Task::Rebuild(window) => refresh.rebuild(window, OnMissing::Keep).await,
        Task::Forget(window) => refresh.rebuild(window, OnMissing::Forget).await,
    }
}
