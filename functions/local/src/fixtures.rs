//! Tables and rows that LiteLLM itself wrote, compiled into the executable so that they load from any directory.
//!
//! What they are and how they were made stands in `tests/fixtures/README.md`.

use std::io::Read;

use chrono::{NaiveDateTime, TimeDelta};
use flate2::read::GzDecoder;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    Error,
    columns::{Column, columns},
};

macro_rules! fixture {
    ($($path:expr),+) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/litellm/", $($path),+)
    };
}
macro_rules! ddl {
    ($file:literal) => {
        include_str!(fixture!("ddl/", $file))
    };
}
macro_rules! tables {
    ($release:literal: $($name:literal),+ $(,)?) => {
        &[$(Table { name: $name, gzip: include_bytes!(fixture!($release, "/", $name, ".jsonl.gz")) }),+]
    };
}

/// The text of a batch of rows stays under this many bytes, unless a single row is larger. PostgreSQL parses a batch as
/// one `jsonb` value in memory; beyond some megabytes a larger one is no faster.
const BATCH_BYTES: usize = 2 << 20;

/// `"LiteLLM_SpendLogs"` and its companions after each of LiteLLM's migrations that added columns or indexes to the
/// log, oldest first: DDL that names the schema `public` (see [`unqualified`]), without rows.
pub const SCHEMA_VERSIONS: [&str; 12] = [
    ddl!("schema-v1.sql"),
    ddl!("schema-v2.sql"),
    ddl!("schema-v3.sql"),
    ddl!("schema-v4.sql"),
    ddl!("schema-v5.sql"),
    ddl!("schema-v6.sql"),
    ddl!("schema-v7.sql"),
    ddl!("schema-v8.sql"),
    ddl!("schema-v9.sql"),
    ddl!("schema-v10.sql"),
    ddl!("schema-v11.sql"),
    ddl!("schema-v12.sql"),
];

/// A release of LiteLLM that rows are at hand of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 1.61.20, March 2025: the oldest shape, without `session_id`; prompts are in `messages`. 152 requests.
    V1_61_20,
    /// 1.80.0, November 2025. 215 requests.
    V1_80_0,
    /// 1.109.1, November 2026: every call type and every way to name a session, a user and an agent. 1,707 requests.
    V1_109_1,
}

/// The rows of one table of a release.
#[derive(Debug)]
pub struct Table {
    /// The table's name, such as `LiteLLM_SpendLogs`.
    pub name: &'static str,
    gzip: &'static [u8],
}

impl Release {
    /// Every release, oldest first.
    pub const ALL: [Self; 3] = [Self::V1_61_20, Self::V1_80_0, Self::V1_109_1];

    /// The release's number, such as `1.109.1`.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V1_61_20 => "1.61.20",
            Self::V1_80_0 => "1.80.0",
            Self::V1_109_1 => "1.109.1",
        }
    }

    /// The statements that create its tables and indexes, without a schema name: they go where the `search_path`
    /// points.
    #[must_use]
    pub fn schema(self) -> String {
        unqualified(match self {
            Self::V1_61_20 => include_str!(fixture!("1.61.20/schema.sql")),
            Self::V1_80_0 => include_str!(fixture!("1.80.0/schema.sql")),
            Self::V1_109_1 => include_str!(fixture!("1.109.1/schema.sql")),
        })
    }

    /// The proxy's virtual keys in plain text, as JSON: `{"master_key": .., "keys": [{"key", "token", "request"}]}`.
    /// `token` is what the tables hold. They open nothing but this data.
    #[must_use]
    pub fn keys(self) -> &'static str {
        match self {
            Self::V1_61_20 => include_str!(fixture!("1.61.20/keys.json")),
            Self::V1_80_0 => include_str!(fixture!("1.80.0/keys.json")),
            Self::V1_109_1 => include_str!(fixture!("1.109.1/keys.json")),
        }
    }

    /// Its tables that have rows.
    #[must_use]
    pub fn tables(self) -> &'static [Table] {
        match self {
            Self::V1_61_20 => tables!(
                "1.61.20":
                "LiteLLM_BudgetTable", "LiteLLM_EndUserTable", "LiteLLM_OrganizationTable", "LiteLLM_SpendLogs",
                "LiteLLM_TeamTable", "LiteLLM_UserTable", "LiteLLM_VerificationToken",
            ),
            Self::V1_80_0 => tables!(
                "1.80.0":
                "LiteLLM_BudgetTable", "LiteLLM_DailyTagSpend", "LiteLLM_DailyTeamSpend", "LiteLLM_DailyUserSpend",
                "LiteLLM_EndUserTable", "LiteLLM_OrganizationTable", "LiteLLM_SpendLogs", "LiteLLM_TeamTable",
                "LiteLLM_UserTable", "LiteLLM_VerificationToken",
            ),
            Self::V1_109_1 => tables!(
                "1.109.1":
                "LiteLLM_AgentsTable", "LiteLLM_BudgetTable", "LiteLLM_DailyAgentSpend", "LiteLLM_DailyEndUserSpend",
                "LiteLLM_DailyOrganizationSpend", "LiteLLM_DailyTagSpend", "LiteLLM_DailyTeamSpend",
                "LiteLLM_DailyToolSpend", "LiteLLM_DailyUserSpend", "LiteLLM_EndUserTable",
                "LiteLLM_OrganizationTable", "LiteLLM_SpendLogToolIndex", "LiteLLM_SpendLogs",
                "LiteLLM_TeamMembership", "LiteLLM_TeamTable", "LiteLLM_UserTable", "LiteLLM_VerificationToken",
            ),
        }
    }

    /// When the newest of its requests ended (UTC).
    ///
    /// # Errors
    ///
    /// [`Error::Fixture`] when the rows cannot be read.
    pub fn newest(self) -> Result<NaiveDateTime, Error> {
        #[derive(Deserialize)]
        struct Request {
            #[serde(rename = "endTime")]
            end_time: NaiveDateTime,
        }
        let mut newest = NaiveDateTime::MIN;
        for table in self.tables().iter().filter(|table| table.name == "LiteLLM_SpendLogs") {
            for line in table.rows()?.lines() {
                let request: Request = serde_json::from_str(line).map_err(std::io::Error::from)?;
                newest = newest.max(request.end_time);
            }
        }
        Ok(newest)
    }
}

impl Table {
    /// The table's rows, one JSON object a line; timestamps have no zone and mean UTC.
    ///
    /// # Errors
    ///
    /// [`Error::Fixture`] when they cannot be unpacked.
    pub fn rows(&self) -> Result<String, Error> {
        let mut rows = String::new();
        GzDecoder::new(self.gzip).read_to_string(&mut rows)?;
        Ok(rows)
    }
}

/// A fixture's DDL (see [`SCHEMA_VERSIONS`]) without its schema name, so that the `search_path` says where the tables
/// go.
#[must_use]
pub fn unqualified(ddl: &str) -> String {
    ddl.replace("public.\"", "\"")
}

/// Creates the tables and indexes of `release` in the first schema of the connection's `search_path`.
///
/// # Errors
///
/// When a statement fails, for one because the tables exist.
pub async fn load_schema(conn: &mut PgConnection, release: Release) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(release.schema())).execute(conn).await?;
    Ok(())
}

/// Loads all rows of `release` into its tables, which must exist and are found through the `search_path`. Returns the
/// number of rows.
///
/// With a `shift`, every timestamp of every table is moved by its whole milliseconds, and the daily tables' dates by
/// its whole days (rounded down, so that none lies in the future): order and distances stay. Times inside JSON values
/// and ids stay as LiteLLM wrote them.
///
/// # Errors
///
/// When a row cannot be read or inserted. Wrap the call in a transaction to keep nothing in that case.
pub async fn load_rows(conn: &mut PgConnection, release: Release, shift: Option<TimeDelta>) -> Result<u64, Error> {
    let mut loaded = 0;
    for table in release.tables() {
        loaded += load_table(conn, table, shift.unwrap_or_default()).await?;
    }
    Ok(loaded)
}

/// Loads the rows of one table, as [`load_rows`] does.
///
/// # Errors
///
/// When a row cannot be read or inserted.
pub async fn load_table(conn: &mut PgConnection, table: &Table, shift: TimeDelta) -> Result<u64, Error> {
    let moved: Vec<String> = columns(conn, table.name).await?.iter().map(Column::moved).collect();
    // $2 and $3 are always used, so that every table takes the same binds.
    let insert = format!(
        "INSERT INTO \"{name}\" SELECT {moved} FROM jsonb_populate_recordset(NULL::\"{name}\", $1::jsonb)
         WHERE $2::interval IS NOT NULL AND $3::bigint IS NOT NULL",
        name = table.name,
        moved = moved.join(", "),
    );
    let shift = TimeDelta::milliseconds(shift.num_milliseconds());
    let days = shift.num_milliseconds().div_euclid(TimeDelta::days(1).num_milliseconds());
    let mut loaded = 0;
    for batch in batches(&table.rows()?) {
        loaded += sqlx::query(AssertSqlSafe(insert.as_str()))
            .bind(batch)
            .bind(shift)
            .bind(days)
            .execute(&mut *conn)
            .await?
            .rows_affected();
    }
    Ok(loaded)
}

/// JSON lines as JSON arrays of at most [`BATCH_BYTES`].
fn batches(lines: &str) -> Vec<String> {
    let mut batches: Vec<String> = Vec::new();
    for line in lines.lines() {
        match batches.last_mut() {
            Some(batch) if batch.len() + line.len() < BATCH_BYTES => {
                batch.push(',');
                batch.push_str(line);
            }
            _ => batches.push(format!("[{line}")),
        }
    }
    for batch in &mut batches {
        batch.push(']');
    }
    batches
}
