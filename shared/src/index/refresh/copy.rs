//! Copying a slice of the log into the database of the index.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use sqlx::{PgConnection, Postgres, Transaction};

use super::slices::Slice;
use super::{Refresh, RefreshError, begin, merge};
use crate::facts::{Fact, FactsError};

/// What goes over the network at a time.
const CHUNK: usize = 256 * 1024;

impl Refresh<'_> {
    /// Copies a slice and merges it, in one transaction of the index; `false` while another indexer is at work.
    pub(super) async fn copy(&mut self, slice: Slice, forget: bool) -> Result<bool, RefreshError> {
        let began = Instant::now();
        let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
        merge::prepare(&mut transaction, slice.window).await?;
        let copied = transfer(&mut self.log, &self.direct.copy_statement(slice.window), &mut transaction).await?;
        let changed = merge::merge(&mut transaction, slice.window, forget).await?;
        transaction.commit().await?;
        self.outcome.copied += copied;
        self.outcome.changed += changed;
        self.watch.advance(slice.rows.unsigned_abs());
        let least = Duration::from_micros(1_000_000 * copied / u64::from(self.config.rows_per_second));
        if let Some(rest) = least.checked_sub(began.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        Ok(true)
    }
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
