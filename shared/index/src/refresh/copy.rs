//! Copying a slice of the log into the database of the index.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use futures::stream::{self, Stream, TryStreamExt};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use traceability_db::DbError;
use traceability_facts::Fact;
use traceability_litellm::{Log, bounds};

use super::slices::{BATCH, Slice};
use super::staging::Staging;
use super::{OnMissing, Refresh, RefreshError, begin, merge, names, narrow};

/// What goes over the network at a time.
const CHUNK: usize = 256 * 1024;

/// A slice that was read of the log while the one before it was merged.
struct Ahead {
    slice: Slice,
    /// As the table has them on the way.
    rows: Vec<u8>,
    /// The number of merges up to then.
    merges: i64,
}

impl Refresh<'_> {
    /// Copies these slices and merges them, and then the minutes that rows of them have moved to; `false` if there was no
    /// time for all of them, or another indexer is at work.
    pub(super) async fn copy(&mut self, slices: Vec<Slice>, on_missing: OnMissing) -> Result<bool, RefreshError> {
        let mut slices = slices.into_iter().peekable();
        let mut ahead = None;
        while let Some(slice) = slices.next() {
            if !self.has_time() {
                return Ok(false);
            }
            // What was read by the columns of before may lack what newer ones have.
            if self.probe_again().await? {
                ahead = None;
            }
            // The minutes to which rows have moved belong to it: those rows are no longer where they were.
            let mut waiting = vec![slice];
            while let Some(slice) = waiting.pop() {
                let next = slices.peek().copied().filter(|_| waiting.is_empty() && self.has_time());
                let Some((moved, read)) = self.copy_one(slice, ahead.take(), next, on_missing).await? else {
                    return Ok(false);
                };
                ahead = read;
                waiting.extend(moved);
            }
        }
        Ok(true)
    }

    /// Copies a slice and merges it, in one transaction of the index. Returns where rows have moved to that it had, and the
    /// next slice, read meanwhile; `None` while another indexer is at work.
    async fn copy_one(
        &mut self,
        slice: Slice,
        ahead: Option<Ahead>,
        next: Option<Slice>,
        on_missing: OnMissing,
    ) -> Result<Option<(Vec<Slice>, Option<Ahead>)>, RefreshError> {
        let began = Instant::now();
        let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(None) };
        let staging = Staging::of(&mut transaction).await?;
        merge::make_room(&mut transaction, slice.window).await?;
        staging.prepare(&mut transaction).await?;
        let merges = merge::number(&mut transaction).await?;
        // What was read before somebody else's merge may be older than what that one has merged.
        let ahead = ahead.filter(|ahead| ahead.slice == slice && ahead.merges + 1 == merges);
        let copied = if let Some(ahead) = ahead {
            transfer(stream::iter(ahead.rows.chunks(CHUNK).map(Ok)), &mut transaction).await?
        } else {
            let rows = self.log.copy_out_raw(&self.projection.copy_statement(slice.window)).await;
            transfer(rows.map_err(DbError::from)?, &mut transaction).await?
        };
        names::shorten(&mut transaction).await?;
        narrow::add_new(&mut transaction).await?;
        staging.distribute(&mut transaction).await?;
        let missing = merge::missing(&mut transaction, staging, slice.window).await?;
        let moved = moved(&mut self.log, missing).await.map_err(DbError::from)?;
        let ids: Vec<String> = moved.iter().map(|(id, _)| id.clone()).collect();
        let merge = async {
            let changed = merge::merge(&mut transaction, merges, staging, slice.window, &ids, on_missing).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(changed)
        };
        // One side reads while the other one writes. What is more than a slice should be, or may be, is not kept in memory.
        let next = next.filter(|next| moved.is_empty() && (1..=BATCH).contains(&next.rows));
        let (changed, rows) = tokio::join!(merge, read(&mut self.log, &self.projection, next));
        self.outcome.copied += copied;
        self.outcome.changed += changed?;
        self.progress.advance(slice.rows.unsigned_abs());
        let least = Duration::from_micros(1_000_000 * copied / u64::from(self.config.rows_per_second));
        if let Some(rest) = least.checked_sub(began.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        let ahead = next.zip(rows?).map(|(slice, rows)| Ahead { slice, rows, merges });
        let slices = moved.into_iter().map(|(_, start)| Slice::of_minute(start.and_utc()));
        // Each minute once.
        let slices: BTreeMap<_, _> = slices.map(|slice| (slice.window.start, slice)).collect();
        Ok(Some((slices.into_values().collect(), ahead)))
    }
}

/// Those of the requests that the log has at another time now, and when.
async fn moved(log: &mut PgConnection, ids: Vec<String>) -> sqlx::Result<Vec<(String, NaiveDateTime)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        r#"SELECT s.request_id, {} FROM "LiteLLM_SpendLogs" s WHERE s.request_id = ANY($1)"#,
        bounds::within(r#"s."startTime""#)
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(log).await
}

/// The rows of a slice, if there is one.
async fn read(log: &mut PgConnection, projection: &Log, slice: Option<Slice>) -> Result<Option<Vec<u8>>, DbError> {
    let Some(slice) = slice else { return Ok(None) };
    let mut rows = log.copy_out_raw(&projection.copy_statement(slice.window)).await?;
    let mut read = Vec::new();
    while let Some(row) = rows.try_next().await? {
        read.extend_from_slice(&row);
    }
    Ok(Some(read))
}

/// Hands the rows on as they come, without looking at them: both sides speak the same binary format.
async fn transfer(
    mut rows: impl Stream<Item = sqlx::Result<impl AsRef<[u8]>>> + Unpin,
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<u64, RefreshError> {
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
                return Err(DbError::from(error).into());
            }
        };
        if let Some(row) = &row {
            chunk.extend_from_slice(row.as_ref());
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
