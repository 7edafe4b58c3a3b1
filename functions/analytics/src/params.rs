//! What the analytics endpoints can be asked with.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use traceability_core::choice;
use traceability_core::dimension::GroupBy;
use traceability_core::scalar::{Bounded, Flag};
use traceability_core::time::TimeWindow;
use traceability_http::error::ParameterProblem;
use traceability_http::filters::Filters;
use traceability_http::window::WindowParams;
use traceability_http::{ApiResult, CachePolicy};
use traceability_queries::analytics::{DetailMode, Question, View};
use utoipa::IntoParams;

use crate::buckets::{Granularity, buckets};
use crate::previous::previous;

choice! {
    /// What a window is compared with.
    Comparison as "Compare" {
        /// The window before.
        Previous = "previous",
    }
}

/// What is told beyond the totals.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsOptions {
    /// `previous` adds to each row the same figures of the window before (`previous`), and how they changed (`change`).
    /// That window is as long and ends where this one begins; where this one begins and ends at midnight in `timezone`, it
    /// has as many days.
    #[param(inline, required = false)]
    compare: Option<Comparison>,
    /// Whether rows have error rates, cached tokens, figures per session, times to the first token and percentiles. Without
    /// an index it is `false` if not given, since they cost reading every request with its metadata; with one it is `true`.
    #[param(value_type = Option<bool>)]
    details: Option<Flag>,
    /// Whether percentiles are exact. Without an index they always are; with one they are otherwise within 1 % of the exact
    /// values.
    #[param(value_type = Option<bool>, default = false)]
    exact: Option<Flag>,
}

/// How time is cut.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SeriesParams {
    /// Adds a `series` to each row: its totals per quarter of an hour (in windows of up to 32 days), hour, day, week (from
    /// Monday on) or month, as they begin in `timezone`. An answer has at most 50,000 such points.
    #[param(inline, required = false)]
    granularity: Option<Granularity>,
}

/// How rows are cut, and how many there are.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Rows {
    /// Adds a `series` to each row: its totals per quarter of an hour (in windows of up to 32 days), hour, day, week (from
    /// Monday on) or month, as they begin in `timezone`. An answer has at most 50,000 such points.
    #[param(inline, required = false)]
    granularity: Option<Granularity>,
    /// How many rows, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    top: Option<Top>,
}

/// How many rows an answer has.
pub(crate) type Top = Bounded<1, 1000>;

/// One or two dimensions.
#[derive(Debug, Clone)]
pub(crate) struct Dimensions(pub(crate) Vec<GroupBy>);

impl std::str::FromStr for Dimensions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Result<Vec<GroupBy>, String> = text.split(',').take(3).map(str::parse).collect();
        let words = words.map_err(|allowed| format!("{allowed}; or two of them with a comma between"))?;
        match words[..] {
            [_] => Ok(Self(words)),
            [first, second] if first != second => Ok(Self(words)),
            _ => Err("must be one dimension, or two different ones with a comma between, such as team,model".into()),
        }
    }
}

traceability_core::parameter!(Dimensions);

/// What the parameters that all endpoints have ask.
pub(crate) struct AnalyticsQuery {
    pub(crate) question: Question,
    pub(crate) cache: CachePolicy,
    zone: Tz,
    previous: Option<TimeWindow>,
}

impl AnalyticsQuery {
    /// What they ask at this time.
    pub(crate) fn new(
        window: &WindowParams,
        filters: &Filters,
        options: &AnalyticsOptions,
        now: DateTime<Utc>,
    ) -> ApiResult<Self> {
        let zone = window.timezone.0;
        let mut question = Question::new(window.window(now)?, filters.request_filter());
        question.exact = options.exact.is_some_and(|flag| flag.0);
        question.details = match options.details {
            Some(Flag(true)) => DetailMode::On,
            Some(Flag(false)) => DetailMode::Off,
            None => DetailMode::WhenCheap,
        };
        let previous = options.compare.map(|Comparison::Previous| previous(&question.window, zone));
        Ok(Self { question, cache: window.cache_policy(), zone, previous })
    }

    pub(crate) const fn window(&self) -> &TimeWindow {
        &self.question.window
    }

    pub(crate) const fn zone(&self) -> Tz {
        self.zone
    }

    pub(crate) const fn previous(&self) -> Option<TimeWindow> {
        self.previous
    }

    fn layout(&self, granularity: Option<Granularity>, top: Option<Top>) -> ApiResult<Layout> {
        let series = granularity.map(|granularity| buckets(self.window(), granularity, self.zone)).transpose()?;
        let mut view = View { series, previous: self.previous, ..View::default() };
        if let Some(top) = top {
            view.top = top.0;
        }
        let most = view.series.as_ref().map(|buckets| MOST_POINTS / buckets.len().max(1));
        if let Some(most) = most {
            // One more, to see that they are too many.
            view.top = view.top.min(u32::try_from(most + 1).unwrap_or(u32::MAX));
        }
        Ok(Layout { view, most })
    }
}

impl SeriesParams {
    pub(crate) fn layout(&self, query: &AnalyticsQuery) -> ApiResult<Layout> {
        query.layout(self.granularity, None)
    }
}

impl Rows {
    pub(crate) const fn new(granularity: Option<Granularity>, top: Option<Top>) -> Self {
        Self { granularity, top }
    }

    pub(crate) fn layout(&self, query: &AnalyticsQuery) -> ApiResult<Layout> {
        query.layout(self.granularity, self.top)
    }
}

/// The most points that the series of an answer have.
const MOST_POINTS: usize = 50_000;

/// How an answer is shown, and how many rows it may have then.
pub(crate) struct Layout {
    pub(crate) view: View,
    most: Option<usize>,
}

impl Layout {
    /// The rows, if they are not too many.
    pub(crate) fn fit<T>(&self, rows: Vec<T>) -> Result<Vec<T>, ParameterProblem> {
        match self.most {
            Some(most) if rows.len() > most => Err(ParameterProblem::new(
                "granularity",
                format!(
                    "would make a series of more than {MOST_POINTS} points: take a longer granularity, or a top of at most \
                     {most}"
                ),
            )),
            _ => Ok(rows),
        }
    }
}
