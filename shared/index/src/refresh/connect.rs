//! The connections of an indexer. They are no pool's: each does one thing for minutes.

use std::time::Duration;

use sqlx::PgConnection;
use traceability_core::environment::ConfigError;
use traceability_db as db;
use traceability_db::config::DatabaseConfig;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// LiteLLM's database cannot be reached.
    #[error("LiteLLM's database cannot be reached: {0}")]
    Log(sqlx::Error),
    /// The database of the index cannot be reached.
    #[error("the database of the index cannot be reached: {0}")]
    Index(sqlx::Error),
}

/// Both sides: a statement ends, a server that fell silent is noticed.
const BOTH: [(&str, &str); 4] =
    [("jit", "off"), ("statement_timeout", "300000"), ("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5")];

/// To read LiteLLM's log; nothing can be written there. A statement waits so long for a lock.
pub(super) async fn open_log(config: &DatabaseConfig, lock_timeout: Duration) -> Result<PgConnection, ConnectError> {
    let settings = [("default_transaction_read_only", "on"), ("enable_memoize", "off"), ("work_mem", "32768")];
    let lock_timeout = ("lock_timeout", lock_timeout.as_millis().to_string());
    db::connect(config, both(&settings).chain([lock_timeout])).await?.map_err(ConnectError::Log)
}

/// To write the index.
///
/// # Errors
/// [`ConnectError`] when the database cannot be reached.
pub async fn open_index(config: &DatabaseConfig) -> Result<PgConnection, ConnectError> {
    // An indexer that vanished in the middle must not keep the lock.
    let settings = [("idle_in_transaction_session_timeout", "60000"), ("lock_timeout", "30000"), ("work_mem", "65536")];
    db::connect(config, both(&settings)).await?.map_err(ConnectError::Index)
}

fn both(settings: &[(&'static str, &str)]) -> impl Iterator<Item = (&'static str, String)> {
    BOTH.iter().chain(settings).map(|(name, value)| (*name, (*value).to_owned()))
}
