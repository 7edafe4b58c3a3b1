//! Virtual keys, from LiteLLM's own tables.

use chrono::{DateTime, Utc};
use traceability_db::{DbError, urgently};
use traceability_litellm::SchemaError;
use traceability_litellm::keys::KeyRecord;

use crate::source::Database;

/// The virtual key with this SHA-256, in hexadecimal digits; `None` where LiteLLM knows none. It waits for no connection that
/// other questions may hold.
///
/// # Errors
/// [`DbError`] when LiteLLM's tables cannot be asked.
pub async fn key(db: &Database, hash: &str, now: DateTime<Utc>) -> Result<Option<KeyRecord>, DbError> {
    let mut connection = urgently(db.log()).await?;
    let mut query = connection.facts.key_query(hash, now.naive_utc()).ok_or(SchemaError::KeysUnreadable)?;
    query.build_query_as().fetch_optional(&mut connection.conn).await.map_err(DbError::Database)
}
