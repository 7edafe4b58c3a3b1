//! What a request has of the databases.

use std::sync::Arc;

use traceability_db::{Connection, DbError};
use traceability_litellm::Log;

use super::{Database, RequestSource};

/// One connection, with the facts to write queries over.
pub struct SourceConnection {
    /// A connection of the pool.
    pub conn: Connection,
    /// The facts that it leads to.
    pub facts: RequestSource,
    /// Whether there is an index, be it that it does not have all of the log yet.
    pub has_index: bool,
    pub(super) log: LogPlace,
    /// Why the log answers in place of an index that may have more than the log.
    pub(super) unread_index: Option<DbError>,
}

/// Where LiteLLM's log is, from a connection.
pub(super) enum LogPlace {
    /// In the same database.
    Here(Arc<Log>),
    /// In this one.
    Elsewhere { database: Box<Database>, opened: Option<(Connection, Arc<Log>)> },
}

impl SourceConnection {
    /// A connection to LiteLLM's own log, and the facts over it: where content is.
    ///
    /// # Errors
    /// [`DbError`] when it cannot be reached.
    pub async fn log(&mut self) -> Result<(&mut Connection, RequestSource), DbError> {
        match &mut self.log {
            LogPlace::Here(log) => Ok((&mut self.conn, RequestSource::Log(Arc::clone(log)))),
            LogPlace::Elsewhere { database, opened } => {
                let (conn, log) = match opened {
                    Some(opened) => opened,
                    None => opened.insert(database.open_log().await?),
                };
                Ok((conn, RequestSource::Log(Arc::clone(log))))
            }
        }
    }

    /// To be called before the answer is that something does not exist: an index that cannot be read may have what the log
    /// has no longer.
    ///
    /// # Errors
    /// [`DbError::IndexDatabase`] when this connection does without the index.
    pub fn require_index(&mut self) -> Result<(), DbError> {
        self.unread_index.take().map_or(Ok(()), Err)
    }
}
