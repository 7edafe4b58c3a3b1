//! Sessions: one's totals, and the search for many.

mod search;
mod summary;

pub use search::{SessionPosition, SessionSearch, SessionSort, TotalsFilter, search};
pub use summary::{SessionSummary, summaries, summary};
