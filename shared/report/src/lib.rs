//! The cost report: what was spent in a time, by whom and on what, how that compares, what is unusual, and where the month
//! will end.
//!
//! | files | hold |
//! |---|---|
//! | `query`, `period` | what a report is about |
//! | `make` | from questions to the document |
//! | `totals`, `breakdowns`, `anomalies`, `forecast`, `budget`, `charges`, `details`, `calendar` | its parts |
//! | `document` | the report as data, which is its JSON |
//! | `forms` | the report as a page, a text, a table or FOCUS |

mod anomalies;
mod breakdowns;
mod budget;
mod calendar;
mod charges;
mod details;
mod document;
mod forecast;
pub mod forms;
mod make;
mod period;
mod query;
mod totals;

pub use budget::{budget_use, budgets_about};
pub use document::*;
pub use forms::{Form, RenderError, render};
pub use make::cost_report;
pub use period::{Period, Span};
pub use query::ReportQuery;
