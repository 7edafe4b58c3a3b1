//! The cost report: what was spent in a time, by whom and on what, how that compares, what is unusual, and where the month
//! will end.

mod budget;
mod document;
pub mod forms;
mod period;

pub use budget::{BudgetOf, BudgetUse, Budgets, InvalidBudgets, budget_use};
pub use document::*;
pub use forms::{Form, RenderError, render};
pub use period::{Period, Span};

use chrono::{DateTime, Utc};
use url::Url;

use crate::db::Connection;
use crate::queries::Source;
use crate::queries::filter::RequestFilter;

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
    /// Whether the lines of [`Form::Focus`] are asked for, which is one pass more over the requests.
    pub charges: bool,
    /// The time of asking.
    pub now: DateTime<Utc>,
}

/// The report.
///
/// # Errors
/// Whatever the database reports.
pub async fn cost_report(conn: &mut Connection, source: Source<'_>, asked: &Asked) -> sqlx::Result<CostReport> {
    let _ = (conn, source);
    let span = &asked.span;
    Ok(CostReport {
        label: span.label(),
        period: span.period,
        start: span.window.start,
        end: span.window.end,
        timezone: span.zone.name().to_owned(),
        filters: Filters::of(&asked.filter),
        generated_at: asked.now,
        data_since: None,
        totals: Totals::default(),
        comparisons: Vec::new(),
        days: Vec::new(),
        breakdowns: Vec::new(),
        sessions: Vec::new(),
        first_seen: FirstSeen::default(),
        anomalies: Anomalies::default(),
        forecast: Forecast::default(),
        budgets: Vec::new(),
        quality: Quality::default(),
        charges: Vec::new(),
    })
}
