//! The columns of a table as the database has them, and how each moves when a whole table moves in time.
//!
//! LiteLLM adds columns with nearly every release, so none is listed here by name.

use sqlx::PgConnection;

/// One column of a table.
#[derive(Debug, sqlx::FromRow)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    is_timestamp: bool,
    is_day: bool,
}

impl Column {
    /// The name as SQL takes it.
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The column's value moved by `$2` (an interval) or, for the daily tables' text dates, by `$3` (whole days).
    pub fn moved(&self) -> String {
        let name = self.quoted();
        if self.is_timestamp {
            format!("{name} + $2")
        } else if self.is_day {
            format!("to_char({name}::date + $3::bigint::int, 'YYYY-MM-DD')")
        } else {
            name
        }
    }

    /// Whether the column is a timestamp.
    pub fn is_timestamp(&self) -> bool {
        self.is_timestamp
    }
}

/// An identifier as SQL takes it.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The columns of `table`, in their order on disk; the table is found through the connection's `search_path`.
///
/// # Errors
///
/// When the statement fails. A table that does not exist has no columns.
pub async fn columns(conn: &mut PgConnection, table: &str) -> sqlx::Result<Vec<Column>> {
    sqlx::query_as(
        "SELECT a.attname::text AS name,
                t.typname IN ('timestamp', 'timestamptz') AS is_timestamp,
                t.typname = 'text' AND a.attname = 'date' AS is_day
         FROM pg_attribute a
         JOIN pg_type t ON t.oid = a.atttypid
         WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum",
    )
    .bind(quoted(table))
    .fetch_all(conn)
    .await
}
