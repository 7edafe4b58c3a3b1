//! What a report is asked to be about.

use chrono::{DateTime, Utc};
use traceability_core::report_settings::Budgets;
use traceability_queries::filter::RequestFilter;
use url::Url;

use super::period::Span;

/// What a report is asked to be about.
#[derive(Debug, Clone)]
pub struct Asked {
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
    /// Whether the lines of [`super::Form::Focus`] are asked for, which is one pass more over the requests.
    pub charges: bool,
    /// The time of asking.
    pub now: DateTime<Utc>,
}
