//! What is wrong with LiteLLM's tables.

use traceability_db::DbError;

/// Why LiteLLM's tables cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The log table does not exist where the connection looks.
    #[error(
        "the database has no table \"LiteLLM_SpendLogs\": check that DATABASE_URL names LiteLLM's database (and its \
         schema, `?schema=`), and that LiteLLM has run its migrations"
    )]
    TableMissing,
    /// The role may not read the log table.
    #[error(
        "the database role may not read \"LiteLLM_SpendLogs\": run GRANT SELECT ON \"LiteLLM_SpendLogs\" TO the role \
         of DATABASE_URL"
    )]
    NotReadable,
    /// A column is missing that every release of LiteLLM has.
    #[error("\"LiteLLM_SpendLogs\" has no column \"{0}\", which every release of LiteLLM has: is it LiteLLM's table?")]
    ColumnMissing(&'static str),
    /// A column has a type that no release of LiteLLM gives it, and that cannot be read as one.
    #[error(
        "the column \"{column}\" of \"LiteLLM_SpendLogs\" has the type {found}, but every release of LiteLLM gives it \
         {expected}: is it LiteLLM's table?"
    )]
    ColumnType {
        /// The column.
        column: &'static str,
        /// Its type, as PostgreSQL writes it.
        found: String,
        /// The type that LiteLLM gives it.
        expected: &'static str,
    },
    /// The role may not read what it takes to judge LiteLLM's keys.
    #[error(
        "the database role may not read LiteLLM's keys, users and teams, which AUTH_MODE=litellm needs: run GRANT SELECT ON \
         \"LiteLLM_VerificationToken\", \"LiteLLM_UserTable\", \"LiteLLM_TeamTable\", \
         \"LiteLLM_DeprecatedVerificationToken\" TO the role of DATABASE_URL"
    )]
    KeysUnreadable,
}

impl SchemaError {
    /// The one that an error of a database stands for, if it does.
    #[must_use]
    pub fn of(error: &DbError) -> Option<&Self> {
        let DbError::Tables(error) = error else { return None };
        error.downcast_ref()
    }
}

impl From<SchemaError> for DbError {
    fn from(error: SchemaError) -> Self {
        Self::Tables(Box::new(error))
    }
}
