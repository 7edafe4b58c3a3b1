//! PostgreSQL inside this process, for a machine that has none.
//!
//! It is the real server, compiled to WebAssembly, but without its processes and signals:
//!
//! - It serves ONE connection at a time. A second one waits, without an error, until the first has ended: a pool on it
//!   must have exactly one connection.
//! - `statement_timeout` and cancelling have no effect: a statement runs to its end, and the next one waits for it.
//! - Every connection starts a fresh backend, some 0.2 s: a pool should keep its connection.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use pglite_oxide::{PgliteServer, PgliteServerBuilder};
use sqlx::{Connection, PgConnection};

mod relay;
mod run;

pub use run::{Arguments, Rows};

use self::relay::Relay;
use crate::Error;

/// Where the runner keeps its database, relative to the current directory.
pub const DEFAULT_FOLDER: &str = ".local/postgres";

/// How long dropping waits for the server to end. It first finishes the statement that runs; one that takes longer must
/// not hold up the whole process, and dies with it.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A running embedded PostgreSQL. It stops when this is dropped, and disconnects its client then.
#[derive(Debug)]
pub struct Embedded {
    /// In this order: a server ends only after its client. `None` only while dropping.
    parts: Option<(Relay, PgliteServer)>,
    url: String,
}

impl Embedded {
    /// Starts PostgreSQL on a data folder, which is created with an empty database if it does not exist, and makes sure
    /// that it answers.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] when the folder is open elsewhere, [`Error::Unusable`] when PostgreSQL does not start from it.
    pub async fn start(folder: &Path) -> Result<Self, Error> {
        let embedded = start(builder().path(folder)).await.map_err(|cause| refused(folder, cause))?;
        // A damaged folder shows only now: the first connection is what opens it.
        match embedded.probe().await {
            Ok(()) => Ok(embedded),
            Err(cause) => Err(Error::Unusable { folder: folder.to_owned(), cause: cause.to_string() }),
        }
    }

    /// Starts PostgreSQL on an empty database that is gone when this is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] when it does not start.
    pub async fn temporary() -> Result<Self, Error> {
        start(builder().temporary()).await.map_err(|cause| refused(&std::env::temp_dir(), cause))
    }

    /// The URL to connect with, such as `postgresql://postgres@127.0.0.1:41523/template1?sslmode=disable`. The port is
    /// another one after each start.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn probe(&self) -> Result<(), sqlx::Error> {
        PgConnection::connect(&self.url).await?.close().await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let Some((relay, server)) = self.parts.take() else { return };
        let (stopped, wait) = mpsc::channel();
        thread::spawn(move || {
            drop(relay);
            // Nobody listens any more if it took too long.
            let _ = stopped.send(server.shutdown());
        });
        match wait.recv_timeout(SHUTDOWN) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the local database did not stop cleanly: {error:#}"),
            Err(_) => tracing::warn!("the local database is still busy: it stops with this process"),
        }
    }
}

/// The default, 1 GB, is kept on disk as write-ahead log for changes to come.
fn builder() -> PgliteServerBuilder {
    PgliteServer::builder().postgres_config("max_wal_size", "96MB")
}

/// Starting unpacks files and may wait for another process's unpacking: not on an async worker. The error is the
/// library's text.
async fn start(builder: PgliteServerBuilder) -> Result<Embedded, String> {
    let server = match tokio::task::spawn_blocking(|| builder.start()).await {
        Ok(Ok(server)) => server,
        Ok(Err(error)) => return Err(format!("{error:#}")),
        Err(panic) => return Err(panic.to_string()),
    };
    let address = server.tcp_addr().ok_or("the server has no address")?;
    let relay = Relay::start(address).map_err(|error| error.to_string())?;
    let url = server.database_url().replace(&address.to_string(), &relay.address().to_string());
    Ok(Embedded { parts: Some((relay, server)), url })
}

fn refused(folder: &Path, cause: String) -> Error {
    let folder: PathBuf = folder.to_owned();
    // The library has no error type to match on, only this text.
    if cause.contains("already in use") { Error::InUse { folder } } else { Error::Unusable { folder, cause } }
}
