//! The report for people: a page of HTML, and Markdown.

use minijinja::{AutoEscape, Environment, Output, State, Value, escape_formatter};

use super::view::View;
use super::{RenderError, text};
use crate::CostReport;

const HTML: &str = include_str!("templates/report.html");
const MARKDOWN: &str = include_str!("templates/report.md");
/// The escaping that the template engine does not know.
const OF_MARKDOWN: AutoEscape = AutoEscape::Custom("markdown");

pub(super) fn html(report: &CostReport) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    trim(&mut environment);
    Ok(environment.template_from_named_str("report.html", HTML)?.render(View::of(report))?)
}

pub(super) fn markdown(report: &CostReport) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| OF_MARKDOWN);
    environment.set_formatter(escaped);
    environment.add_filter("target", |url: &str| Value::from_safe_string(text::markdown_target(url)));
    trim(&mut environment);
    Ok(environment.template_from_named_str("report.md", MARKDOWN)?.render(View::of(report))?)
}

fn trim(environment: &mut Environment<'_>) {
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
}

/// Writes a value of a template of Markdown.
fn escaped(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(letters) if !value.is_safe() => Ok(out.write_str(&text::markdown(letters))?),
        Some(letters) => Ok(out.write_str(letters)?),
        None if state.auto_escape() == OF_MARKDOWN => Ok(write!(out, "{value}")?),
        None => escape_formatter(out, state, value),
    }
}
