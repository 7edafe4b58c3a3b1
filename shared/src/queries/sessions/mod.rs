//! Sessions: one's totals, and the search for many.

/// SQL of the end of the last response of a session, over its requests `e`. A request that ended before it started was over at
/// its start.
macro_rules! session_end {
    () => {
        "max(GREATEST(e.ended_at, e.started_at))"
    };
}

/// SQL of the seconds from the first start to the last end.
macro_rules! session_duration {
    () => {
        concat!("EXTRACT(EPOCH FROM ", $crate::queries::sessions::session_end!(), " - min(e.started_at))")
    };
}

pub(crate) use {session_duration, session_end};

mod histograms;
mod listed;
mod search;
mod summary;

pub use histograms::{Distribution, Histograms, Range, histograms};
pub use search::{SessionPosition, SessionSearch, SessionSort, TotalsFilter, search};
pub(crate) use summary::KEPT;
pub use summary::{SessionSummary, show_real_ids, summaries, summary};
