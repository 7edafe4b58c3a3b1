//! Sessions: one's totals, and the search for many.

mod listed;
mod search;
mod summary;

pub use search::{SessionPosition, SessionSearch, SessionSort, TotalsFilter, search};
pub use summary::{SessionSummary, summaries, summary};
