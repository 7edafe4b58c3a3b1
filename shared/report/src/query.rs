//! The query that a report answers.

use chrono::{DateTime, Utc};
use traceability_core::report_settings::Budgets;
use traceability_queries::filter::RequestFilter;
use url::Url;

use super::period::Span;

/// What a report is about, and what it includes.
#[derive(Debug, Clone)]
pub struct ReportQuery {
    /// The time, in its zone.
    pub span: Span,
    /// Which requests.
    pub filter: RequestFilter,
    /// How many rows each breakdown has, beside `other`.
    pub top: u32,
    /// Where the API is, for links to sessions.
    pub links: Option<Url>,
    /// Monthly budgets.
    pub budgets: Budgets,
    /// Whether to read the lines of [`super::Form::Focus`], which takes one more pass over the requests.
    pub charges: bool,
    /// The current time.
    pub now: DateTime<Utc>,
}
