//! Questions about a window of requests.
//!
//! Every answer is put together from few statements: sums ([`measure()`]), distinct sessions and users ([`distinct`]), and
//! percentiles ([`percentiles()`]), each for the groups and the buckets of a [`Grouping`].

mod agents;
mod breakdown;
mod comparison;
mod details;
pub mod distinct;
mod errors;
mod facets;
mod group;
mod grouping;
mod latency;
mod measure;
mod models;
mod overview;
mod partials;
mod percentiles;
mod report;
mod rollup_plan;
mod tools;
mod trends;
mod users;

use traceability_core::time::TimeWindow;
use traceability_db::Connection;

pub use agents::AgentPerformance;
pub use breakdown::CostShare;
pub use comparison::{Change, Figure, RowFigures};
pub use details::{Details, Times};
pub use errors::ErrorShare;
pub use facets::{Facet, FacetQuery, facets};
pub use group::{Extra, Group, Spec, Whole, labels};
pub use grouping::{Bucket, GroupSelection, Grouping};
pub use latency::Latency;
pub use measure::{Figures, Groups, MeasureSet, Measured, Order, measure};
pub use models::ModelUsage;
pub use overview::Overview;
pub use percentiles::{Passes, Percentiles, Quantiles, Times as PercentileTimes, percentiles};
pub use report::{Extras, Report, SeriesPoint, View, report, report_over_time, report_total};
pub use tools::ToolUsage;
pub use trends::UsageTrend;
pub use users::UserUsage;

use super::Source;
use super::filter::RequestFilter;
use super::source::RequestSource;

/// Whether the rates and percentiles of each group are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailMode {
    /// Also where that costs reading every request with its metadata.
    On,
    /// Never.
    Off,
    /// Where the source keeps roll-ups, which have them.
    WhenCheap,
}

/// What a question is about.
#[derive(Debug, Clone)]
pub struct Question {
    /// When the requests started.
    pub window: TimeWindow,
    /// What they must be.
    pub filter: RequestFilter,
    /// Whether rates and percentiles are asked for.
    pub details: DetailMode,
    /// Whether percentiles must be exact where an index could estimate them.
    pub exact: bool,
}

impl Question {
    /// For the totals of these requests.
    #[must_use]
    pub const fn new(window: TimeWindow, filter: RequestFilter) -> Self {
        Self { window, filter, details: DetailMode::Off, exact: false }
    }

    /// The same question with the hashes of virtual keys that are asked for by their aliases.
    ///
    /// # Errors
    /// Whatever the database reports.
    pub async fn with_key_hashes(mut self, conn: &mut Connection, facts: &RequestSource) -> sqlx::Result<Self> {
        self.filter = self.filter.with_key_hashes(conn, facts).await?;
        Ok(self)
    }

    /// The same question to this source: with names as it has them, and details if they are cheap there.
    fn resolved(&self, source: Source<'_>) -> Self {
        let details = match self.details {
            DetailMode::WhenCheap if source.facts.rollups().is_some() => DetailMode::On,
            DetailMode::WhenCheap => DetailMode::Off,
            decided => decided,
        };
        Self { filter: self.filter.stored(source.facts), details, ..self.clone() }
    }

    /// Whether rates and percentiles are told, once that is [resolved](Self::resolved).
    const fn has_details(&self) -> bool {
        matches!(self.details, DetailMode::On)
    }
}

/// The most groups that an answer lists.
pub const MOST_GROUPS: u32 = 1000;

/// A count, which is small enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "no log has 2^53 requests or tokens")]
const fn as_f64(number: i64) -> f64 {
    number as f64
}

/// Rounded to two decimals.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The `part` of a hundred in `whole`, rounded to two decimals; 0 of nothing.
fn percentage(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    // Half up in whole numbers: a quotient in binary can lie on the wrong side.
    let hundredths = (20_000 * i128::from(part) + i128::from(whole)).div_euclid(2 * i128::from(whole));
    as_f64(i64::try_from(hundredths).unwrap_or(i64::MAX)) / 100.0
}
