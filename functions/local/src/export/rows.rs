//! The rows of a page.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// A page that cannot be written as something else.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnfitPage {
    /// It is no array of objects.
    #[error("a page is not what the API document says")]
    Json(#[from] serde_json::Error),
    /// The table does not take it.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// The columns do not take it.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A value is not of the column's kind.
    #[error("{column} has a value that is none of its kind")]
    Value {
        /// The column's name.
        column: String,
    },
}

/// A row: the JSON of each value by its column.
pub(super) type Row<'a> = HashMap<&'a str, &'a RawValue>;

/// The rows of a page.
pub(super) fn rows(page: &[u8]) -> Result<Vec<Row<'_>>, UnfitPage> {
    Ok(serde_json::from_slice(page)?)
}

/// The JSON of a value; none where the row has none, or null.
pub(super) fn value<'a>(row: &Row<'a>, column: &str) -> Option<&'a str> {
    row.get(column).map(|value| value.get()).filter(|json| *json != "null")
}

/// Writes pages of rows, one after the other.
pub(super) trait Writer: Send {
    /// What follows with these rows; perhaps nothing yet.
    fn page(&mut self, page: &[u8]) -> Result<Vec<u8>, UnfitPage>;

    /// What comes at the end.
    fn end(&mut self) -> Result<Vec<u8>, UnfitPage>;
}
