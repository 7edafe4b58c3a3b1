//! From the question to the rows of its answer, the same for all endpoints that compare groups.

use axum::Json;
use traceability_core::dimension::Dimension;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller};
use traceability_queries::Source;
use traceability_queries::analytics::{Report, report};

use crate::params::{AnalyticsQuery, Layout};

/// One row per group of the requests in question.
///
/// # Errors
/// Where the database does not answer, or the rows would be too many for their layout.
pub(crate) async fn rows<T: Report>(
    state: &AppState,
    caller: &Caller,
    query: &AnalyticsQuery,
    keys: &[Dimension],
    layout: &Layout,
) -> ApiResult<(CachePolicy, Json<Vec<T>>)> {
    let mut db = state.db.connect().await?;
    let question = query.question.clone().with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let rows = report(&mut db.conn, source, &question, keys, &layout.view).await?;
    Ok((query.cache, Json(layout.fit(rows)?)))
}
