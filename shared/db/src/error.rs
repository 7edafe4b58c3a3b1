//! Why a database did not answer.

use std::error::Error;

use super::kind::DatabaseKind;

/// Why there is no answer from a database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Its tables, or the rights to them, are not those that this service needs.
    #[error(transparent)]
    Tables(Box<dyn Error + Send + Sync>),
    /// The caller's other questions hold as many connections as one caller may have.
    #[error("one caller's questions hold their share of the connections")]
    CallerBusy,
    /// LiteLLM's database did not do its part.
    #[error(transparent)]
    Database(sqlx::Error),
    /// The database of the index, which is another one, did not do its part.
    #[error(transparent)]
    IndexDatabase(sqlx::Error),
}

impl DbError {
    /// The same error, of this database.
    #[must_use]
    pub fn in_database(self, kind: DatabaseKind) -> Self {
        match (self, kind) {
            (Self::Database(error) | Self::IndexDatabase(error), DatabaseKind::Log) => Self::Database(error),
            (Self::Database(error) | Self::IndexDatabase(error), DatabaseKind::Index) => Self::IndexDatabase(error),
            (error, _) => error,
        }
    }

    /// Whether a statement named a table that is not there, or not any more.
    #[must_use]
    pub fn is_of_missing_table(&self) -> bool {
        let (Self::Database(error) | Self::IndexDatabase(error)) = self else { return false };
        matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "42P01"))
    }

    /// The error's text where it cannot quote a row or a parameter, else its SQLSTATE alone.
    #[must_use]
    pub fn safe_text(&self) -> String {
        let (Self::Database(error) | Self::IndexDatabase(error)) = self else { return self.to_string() };
        let database = match error {
            sqlx::Error::Database(database) => database,
            sqlx::Error::ColumnDecode { index, .. } => return format!("column {index} did not decode"),
            error => return error.to_string(),
        };
        let code = database.code().unwrap_or_default().into_owned();
        if ["08", "28", "3D", "42", "53", "57"].iter().any(|class| code.starts_with(class)) {
            format!("{} (SQLSTATE {code})", database.message())
        } else {
            format!("SQLSTATE {code}")
        }
    }
}
