//! Copying a slice of the log into the database of the index.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use futures::TryStreamExt;
use sqlx::{PgConnection, Postgres, Transaction};

use super::slices::Slice;
use super::{Refresh, RefreshError, begin, merge, names};
use crate::facts::{Fact, FactsError};

/// What goes over the network at a time.
const CHUNK: usize = 256 * 1024;

impl Refresh<'_> {
    /// Copies a slice and merges it, and then the minutes that rows of it have moved to; `false` while another indexer is
    /// at work.
    pub(super) async fn copy(&mut self, slice: Slice, forget: bool) -> Result<bool, RefreshError> {
        let mut waiting = vec![slice];
        while let Some(slice) = waiting.pop() {
            match self.copy_one(slice, forget).await? {
                Some(moved) => waiting.extend(moved),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Copies a slice and merges it, in one transaction of the index. Returns where rows have moved to that it had; `None`
    /// while another indexer is at work.
    async fn copy_one(&mut self, slice: Slice, forget: bool) -> Result<Option<Vec<Slice>>, RefreshError> {
        let began = Instant::now();
        let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(None) };
        merge::prepare(&mut transaction, slice.window).await?;
        let copied = transfer(&mut self.log, &self.direct.copy_statement(slice.window), &mut transaction).await?;
        names::shorten(&mut transaction).await?;
        let missing = merge::missing(&mut transaction, slice.window).await?;
        let moved = moved(&mut self.log, missing).await.map_err(FactsError::from)?;
        let ids: Vec<String> = moved.iter().map(|(id, _)| id.clone()).collect();
        let changed = merge::merge(&mut transaction, slice.window, &ids, forget).await?;
        transaction.commit().await?;
        self.outcome.copied += copied;
        self.outcome.changed += changed;
        self.watch.advance(slice.rows.unsigned_abs());
        let least = Duration::from_micros(1_000_000 * copied / u64::from(self.config.rows_per_second));
        if let Some(rest) = least.checked_sub(began.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        let slices = moved.into_iter().map(|(_, start)| Slice::of_minute(start.and_utc()));
        // Each minute once.
        let slices: BTreeMap<_, _> = slices.map(|slice| (slice.window.start, slice)).collect();
        Ok(Some(slices.into_values().collect()))
    }
}

/// Those of the requests that the log has at another time now, and when.
async fn moved(log: &mut PgConnection, ids: Vec<String>) -> sqlx::Result<Vec<(String, NaiveDateTime)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        r#"SELECT s.request_id, s."startTime" FROM "LiteLLM_SpendLogs" s
           WHERE s.request_id = ANY($1) AND isfinite(s."startTime")"#,
    )
    .bind(ids)
    .fetch_all(log)
    .await
}

/// Hands the rows on as they come, without looking at them: both sides speak the same binary format. Memory is that of
/// a chunk, however large the slice.
async fn transfer(
    log: &mut PgConnection,
    statement: &str,
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<u64, RefreshError> {
    let mut rows = log.copy_out_raw(statement).await.map_err(FactsError::from)?;
    let columns: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
    let into = format!("COPY pg_temp.staging ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
    let mut copy = transaction.copy_in_raw(&into).await?;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let row = match rows.try_next().await {
            Ok(row) => row,
            Err(error) => {
                // The connection to the index would stay in the middle of a copy.
                let _ = copy.abort("the log went away").await;
                return Err(FactsError::from(error).into());
            }
        };
        if let Some(row) = &row {
            chunk.extend_from_slice(row);
        }
        if chunk.len() >= CHUNK || row.is_none() {
            copy.send(chunk.as_slice()).await?;
            chunk.clear();
        }
        if row.is_none() {
            break;
        }
    }
    Ok(copy.finish().await?)
}
