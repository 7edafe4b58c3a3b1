//! What can go wrong on the database side of the runner.

use std::{io, path::PathBuf};

/// Why the local database could not be started, filled or extended. The texts are for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process (or another part of this one) has the data folder open.
    #[error(
        "the local database in {} is in use by another running instance: stop that one first",
        folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },

    /// The data folder exists, but PostgreSQL does not start from it: it was damaged, or made by another version.
    #[error(
        "the local database in {} does not start ({cause}): `make clean` removes it, the next start makes a new one",
        folder.display()
    )]
    Unusable {
        /// The data folder.
        folder: PathBuf,
        /// What the embedded server or the first connection said.
        cause: String,
    },

    /// The database already holds LiteLLM's tables and was not filled by this crate, which must not write to it.
    #[error(
        "this database has tables of LiteLLM: the sample is loaded only where there are none, name an empty database"
    )]
    Foreign,

    /// Rows were to be generated in a database that [`sample`](crate::sample) has not filled.
    #[error("this database does not hold the sample: rows are only generated from the sample, beside it")]
    NoSample,

    /// A fixture inside the executable could not be unpacked or read.
    #[error("unreadable fixture: {0}")]
    Fixture(#[from] io::Error),

    /// A statement failed, or the connection was lost.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}
