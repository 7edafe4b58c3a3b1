//! Sessions: one's totals and its steps, and the search for many.

mod histograms;
mod search;
mod search_indexed;
mod steps;
mod summary;

pub use histograms::{Distribution, Histograms, Range, histograms};
pub use search::{SessionPosition, SessionSearch, SessionSort, TotalsFilter, count, search};
pub use steps::{StepRow, steps};
pub use summary::{SessionSummary, show_real_ids, summaries, summary};
