//! The forms of a report.

mod amounts;
mod chart;
mod focus;
mod page;
mod table;
mod text;
mod view;

use traceability_core::choice;

pub use text::cell;

use super::CostReport;

choice! {
    /// What a report is written as.
    Form as "ReportFormat" {
        /// The document itself.
        Json = "json",
        /// A table, one line per value of each dimension.
        Csv = "csv",
        /// A table with the columns of FOCUS 1.2.
        Focus = "focus",
        /// Text.
        Markdown = "markdown",
        /// One page, without anything beside it.
        Html = "html",
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As JSON.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
    /// As a table.
    #[error("the report could not be written as CSV")]
    Csv(#[from] csv::Error),
    /// As a text or a page.
    #[error("the report could not be written by its template: {0}")]
    Template(#[from] minijinja::Error),
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Json, Self::Csv, Self::Focus, Self::Markdown, Self::Html];

    /// The ending of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Focus => "focus.csv",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv | Self::Focus => "text/csv; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// The report in a form.
///
/// # Errors
/// [`RenderError`] never in practice: a report is plain data.
pub fn render(report: &CostReport, form: Form) -> Result<String, RenderError> {
    match form {
        Form::Json => Ok(serde_json::to_string_pretty(report)? + "\n"),
        Form::Csv => table::render(report),
        Form::Focus => focus::render(report),
        Form::Markdown => page::markdown(report),
        Form::Html => page::html(report),
    }
}
