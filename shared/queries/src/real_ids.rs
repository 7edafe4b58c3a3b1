//! The whole ids behind those that the index shortens, from LiteLLM's log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_facts::{Fact, RowSelector};
use traceability_index::names::{LONGEST, is_shortened, stored};

use super::Source;
use super::filter::utc;
use crate::source::SourceConnection;

/// Whole ids by their stored form.
#[derive(Debug, Default)]
pub struct RealIds(HashMap<String, String>);

impl RealIds {
    /// Looks up those of these ids that are shortened: each with the start of a request that has it, as its own id, its call
    /// id or its session. What the log no longer has stays shortened. Without shortened ids the database is not asked.
    ///
    /// # Errors
    /// [`DbError`] when the log cannot be reached.
    pub async fn of<'a>(
        db: &mut SourceConnection,
        scope: &Scope,
        ids: impl IntoIterator<Item = (&'a str, DateTime<Utc>)>,
    ) -> Result<Self, DbError> {
        if !db.facts.shortens_names() {
            return Ok(Self::default());
        }
        let mut starts: Vec<_> =
            ids.into_iter().filter(|(id, _)| is_shortened(id)).map(|(_, start)| utc(start)).collect();
        starts.sort_unstable();
        starts.dedup();
        if starts.is_empty() {
            return Ok(Self::default());
        }
        let (conn, facts) = db.log().await?;
        let needed = [Fact::RequestId, Fact::CallId, Fact::SessionId, Fact::StartedAt];
        let mut sql = Source { facts: &facts, scope }.requests(&needed, RowSelector::All);
        sql.push(" SELECT ARRAY[f.request_id, f.session_id, f.call_id] FROM requests AS f WHERE f.started_at = ANY(");
        sql.push_bind(starts).push(format!(
            ") AND GREATEST(octet_length(f.request_id), octet_length(f.session_id), octet_length(f.call_id)) > {LONGEST}"
        ));
        let rows: Vec<(Vec<Option<String>>,)> = sql.build_query_as().fetch_all(conn).await?;
        let long = rows.into_iter().flat_map(|(ids,)| ids).flatten().filter(|id| id.len() > LONGEST);
        Ok(Self(long.map(|id| (stored(&id).into_owned(), id)).collect()))
    }

    /// The whole id, where it is known.
    #[must_use]
    pub fn whole(&self, id: String) -> String {
        self.0.get(&id).cloned().unwrap_or(id)
    }
}
