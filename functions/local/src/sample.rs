//! The runner's own database: LiteLLM's newest tables with the sample rows, kept recent.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    Error,
    columns::columns,
    fixtures::{Release, load_rows, load_schema, load_table},
};

/// The release whose rows are the sample.
pub const RELEASE: Release = Release::V1_109_1;

/// The tables that grow with every request. Their rows move by an UPDATE; all others are small and loaded again.
const LOGS: [&str; 2] = ["LiteLLM_SpendLogs", "LiteLLM_SpendLogToolIndex"];

/// How long before now the newest request ends: recent, and yet wholly in the past with all that is written after it.
const RECENT: TimeDelta = TimeDelta::minutes(1);

/// How old the newest request may become before the rows are moved again.
const STALE: TimeDelta = TimeDelta::hours(1);

/// What [`prepare`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// The database was empty; it now has the tables and this many rows, over all of them.
    Loaded(u64),
    /// The rows were there, but too old: all moved by this time.
    Moved(TimeDelta),
    /// The rows were there, the newest less than an hour old.
    Recent,
}

/// Makes the database hold the sample: creates and fills it if it is empty, else moves all rows (the generated ones
/// too) so that the newest request ended a minute before `now`, unless it did within the hour before `now`.
///
/// A schema `traceability_local` marks a database as one that this function has filled.
///
/// # Errors
///
/// [`Error::Foreign`] when the database has LiteLLM's tables from elsewhere; nothing is written then. Otherwise when a
/// statement fails: each of both ways is one transaction.
pub async fn prepare(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Prepared, Error> {
    let now = now.naive_utc();
    if !is_prepared(conn).await? {
        return load(conn, now).await.map(Prepared::Loaded);
    }
    let newest: NaiveDateTime =
        sqlx::query_scalar(r#"SELECT max("endTime") FROM "LiteLLM_SpendLogs""#).fetch_one(&mut *conn).await?;
    if newest <= now && now - newest < STALE {
        return Ok(Prepared::Recent);
    }
    let by = whole_milliseconds(now - RECENT - newest);
    move_rows(conn, by).await?;
    Ok(Prepared::Moved(by))
}

/// What [`fill`] found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The database had no tables of LiteLLM; it now has them and this many rows, over all of them.
    Now(u64),
    /// The sample was there. Nothing was written.
    Before,
}

/// Fills a database that is not the runner's own, once. Never writes to one that has tables of LiteLLM, not even to
/// those that it has made itself: by now a LiteLLM may write to them.
///
/// # Errors
///
/// [`Error::Foreign`] when the database has LiteLLM's tables from elsewhere. Otherwise when a statement fails: all is one
/// transaction.
pub async fn fill(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Filled, Error> {
    if is_prepared(conn).await? {
        return Ok(Filled::Before);
    }
    load(conn, now.naive_utc()).await.map(Filled::Now)
}

/// Whether [`prepare`] or [`fill`] has filled this database.
///
/// # Errors
///
/// When the statement fails.
pub async fn is_prepared(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass('traceability_local.sample') IS NOT NULL").fetch_one(conn).await
}

/// Returns the number of rows.
async fn load(conn: &mut PgConnection, now: NaiveDateTime) -> Result<u64, Error> {
    // In whatever schema: LiteLLM can be told to use another than the first one here.
    let foreign: bool = sqlx::query_scalar(r"SELECT EXISTS (SELECT FROM pg_class WHERE relname LIKE 'LiteLLM\_%')")
        .fetch_one(&mut *conn)
        .await?;
    if foreign {
        return Err(Error::Foreign);
    }
    let shift = whole_milliseconds(now - RECENT - RELEASE.newest()?);
    let mut transaction = conn.begin().await?;
    load_schema(&mut transaction, RELEASE).await?;
    let rows = load_rows(&mut transaction, RELEASE, Some(shift)).await?;
    // `source` tells the sample's rows from generated ones; `copies` counts how often they were copied.
    sqlx::raw_sql(
        r#"CREATE SCHEMA traceability_local;
        CREATE TABLE traceability_local.sample (
            release text NOT NULL,
            shift_ms bigint NOT NULL,
            copies integer NOT NULL DEFAULT 0,
            generated bigint NOT NULL DEFAULT 0
        );
        CREATE TABLE traceability_local.source AS SELECT request_id FROM "LiteLLM_SpendLogs";"#,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO traceability_local.sample (release, shift_ms) VALUES ($1, $2)")
        .bind(RELEASE.version())
        .bind(shift.num_milliseconds())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    tidy(conn).await?;
    Ok(rows)
}

async fn move_rows(conn: &mut PgConnection, by: TimeDelta) -> Result<(), Error> {
    let mut transaction = conn.begin().await?;
    let shift_ms: i64 =
        sqlx::query_scalar("UPDATE traceability_local.sample SET shift_ms = shift_ms + $1 RETURNING shift_ms")
            .bind(by.num_milliseconds())
            .fetch_one(&mut *transaction)
            .await?;
    for table in RELEASE.tables() {
        if LOGS.contains(&table.name) {
            move_table(&mut transaction, table.name, by).await?;
        } else {
            // An UPDATE of the daily tables' dates would meet the row of the next day, in a unique index.
            let delete = format!("DELETE FROM \"{}\"", table.name);
            sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut *transaction).await?;
            load_table(&mut transaction, table, TimeDelta::milliseconds(shift_ms)).await?;
        }
    }
    transaction.commit().await?;
    tidy(conn).await
}

async fn move_table(conn: &mut PgConnection, table: &str, by: TimeDelta) -> sqlx::Result<()> {
    let columns = columns(conn, table).await?;
    let moved: Vec<String> = columns
        .iter()
        .filter(|column| column.is_timestamp())
        .map(|column| format!("{name} = {name} + $1", name = column.quoted()))
        .collect();
    let update = format!("UPDATE \"{table}\" SET {}", moved.join(", "));
    sqlx::query(AssertSqlSafe(update)).bind(by).execute(conn).await?;
    Ok(())
}

/// What a server's background processes do by themselves; an embedded one has none. Payloads are left out of the
/// vacuum: they are never deleted.
pub(crate) async fn tidy(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::raw_sql("VACUUM (ANALYZE, PROCESS_TOAST false)").execute(&mut *conn).await?;
    checkpoint(conn).await
}

/// Lets the write-ahead log go, which otherwise grows for ever in an embedded server. Left to the server itself where
/// the user may not ask for it.
pub(crate) async fn checkpoint(conn: &mut PgConnection) -> Result<(), Error> {
    let superuser: String = sqlx::query_scalar("SHOW is_superuser").fetch_one(&mut *conn).await?;
    if superuser == "on" {
        sqlx::raw_sql("CHECKPOINT").execute(conn).await?;
    }
    Ok(())
}

fn whole_milliseconds(by: TimeDelta) -> TimeDelta {
    TimeDelta::milliseconds(by.num_milliseconds())
}
