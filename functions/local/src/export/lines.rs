//! Rows as lines of JSON.

use serde_json::value::RawValue;

use super::rows::{UnfitPage, Writer};

/// Writes each row on a line of its own, as it is.
pub(super) struct Lines;

impl Writer for Lines {
    fn page(&mut self, page: &[u8]) -> Result<Vec<u8>, UnfitPage> {
        let rows: Vec<&RawValue> = serde_json::from_slice(page)?;
        let mut lines = Vec::with_capacity(page.len());
        for row in rows {
            lines.extend_from_slice(row.get().as_bytes());
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn end(&mut self) -> Result<Vec<u8>, UnfitPage> {
        Ok(Vec::new())
    }
}
