//! What a request has of the databases.

use std::sync::Arc;

use super::{Connection, Database};
use crate::facts::{Direct, Facts, FactsError};

/// One connection, with the facts to write queries over.
pub struct Session {
    /// A connection of the pool.
    pub conn: Connection,
    /// The facts that it leads to.
    pub facts: Facts,
    /// Whether there is an index, be it that it does not have all of the log yet.
    pub has_index: bool,
    pub(super) log: Log,
    /// Why the log answers in place of an index that may have more than the log.
    pub(super) unread_index: Option<FactsError>,
}

/// Where LiteLLM's log is, from a session.
pub(super) enum Log {
    /// In the same database.
    Here(Arc<Direct>),
    /// In this one.
    Elsewhere { database: Box<Database>, opened: Option<(Connection, Arc<Direct>)> },
}

impl Session {
    /// A connection to LiteLLM's own log, and the facts over it: where content is.
    ///
    /// # Errors
    /// [`FactsError`] when it cannot be reached.
    pub async fn log(&mut self) -> Result<(&mut Connection, Facts), FactsError> {
        match &mut self.log {
            Log::Here(direct) => Ok((&mut self.conn, Facts::Direct(Arc::clone(direct)))),
            Log::Elsewhere { database, opened } => {
                let (conn, direct) = match opened {
                    Some(opened) => opened,
                    None => opened.insert(database.open_log().await?),
                };
                Ok((conn, Facts::Direct(Arc::clone(direct))))
            }
        }
    }

    /// To be called before the answer is that something does not exist: an index that cannot be read may have what the log
    /// has no longer.
    ///
    /// # Errors
    /// [`FactsError::IndexDatabase`] when this session does without the index.
    pub fn require_index(&mut self) -> Result<(), FactsError> {
        self.unread_index.take().map_or(Ok(()), Err)
    }
}
