//! Rows as a table for spreadsheets (RFC 4180).

use traceability_report::forms::cell;

use super::columns::{Column, Kind};
use super::decimal::plain;
use super::rows::{Row, UnfitPage, Writer, rows, value};

/// Writes a header, then a line for each row.
pub(super) struct Table {
    columns: Vec<Column>,
    has_header: bool,
}

impl Table {
    pub(super) const fn new(columns: Vec<Column>) -> Self {
        Self { columns, has_header: false }
    }

    fn lines(&mut self, rows: &[Row<'_>]) -> Result<Vec<u8>, UnfitPage> {
        let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        if !std::mem::replace(&mut self.has_header, true) {
            lines.write_record(self.columns.iter().map(|column| &column.name))?;
        }
        for row in rows {
            for column in &self.columns {
                lines.write_field(field(row, column)?)?;
            }
            lines.write_record(None::<&[u8]>)?;
        }
        lines.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
    }
}

impl Writer for Table {
    fn page(&mut self, page: &[u8]) -> Result<Vec<u8>, UnfitPage> {
        self.lines(&rows(page)?)
    }

    fn end(&mut self) -> Result<Vec<u8>, UnfitPage> {
        if self.has_header { Ok(Vec::new()) } else { self.lines(&[]) }
    }
}

/// A field of a line; what is null is empty.
fn field(row: &Row<'_>, column: &Column) -> Result<String, UnfitPage> {
    let Some(json) = value(row, &column.name) else { return Ok(String::new()) };
    match column.kind {
        Kind::Text | Kind::Time => Ok(cell(&serde_json::from_str::<String>(json)?)),
        Kind::Dollars | Kind::Number => plain(json).ok_or_else(|| UnfitPage::Value { column: column.name.clone() }),
        Kind::Integer | Kind::Boolean | Kind::Json => Ok(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_safe_to_open_and_shows_decimals() {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        let columns = vec![
            column("agent", Kind::Text),
            column("cost", Kind::Dollars),
            column("tags", Kind::Json),
            column("team", Kind::Text),
        ];
        let mut table = Table::new(columns.clone());
        let page = br#"[{"agent":"=HYPERLINK(\"x\")","cost":1.5e-7,"tags":["a","b"],"team":null},{"agent":"a, \"b\"","cost":0.0,"tags":[]}]"#;
        let text = String::from_utf8(table.page(page).expect("lines")).expect("text");
        assert_eq!(
            text,
            "agent,cost,tags,team\r\n\"'=HYPERLINK(\"\"x\"\")\",0.00000015,\"[\"\"a\"\",\"\"b\"\"]\",\r\n\"a, \"\"b\"\"\",0,[],\r\n"
        );
        assert!(table.end().expect("nothing").is_empty());
        assert_eq!(Table::new(columns).end().expect("a header"), b"agent,cost,tags,team\r\n");
    }
}
