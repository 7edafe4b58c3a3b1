//! Sessions: one's totals, and the search for many.

mod histograms;
mod listed;
mod search;
mod summary;

pub use histograms::{Distribution, Histograms, Range, histograms};
pub use search::{SessionPosition, SessionSearch, SessionSort, TotalsFilter, search};
pub(crate) use summary::KEPT;
pub use summary::{SessionSummary, show_real_ids, summaries, summary};
