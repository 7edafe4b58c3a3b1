//! The figures of a time, and of the times it is compared with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use traceability_core::dimension::Dimension;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::measures::{
    CACHE_HITS, CACHED_TOKENS, COMPLETION_TOKENS, FAILED_REQUESTS, PROMPT_TOKENS, SPEND, TOTAL_TOKENS,
};
use traceability_queries::Source;
use traceability_queries::analytics::distinct::sessions;
use traceability_queries::analytics::{
    GroupSelection, Grouping, Groups, MOST_GROUPS, MeasureSet, Order, Question, measure,
};

use super::ReportQuery;
use super::document::{Against, Comparison, Coverage, Totals};
use super::period::Span;

/// The figures of one time. The providers' caches are asked about where that does not read every request's metadata.
pub(super) async fn totals(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Totals> {
    let grouping = Grouping::none(&question.window);
    let mut measures = vec![SPEND, PROMPT_TOKENS, COMPLETION_TOKENS, TOTAL_TOKENS, FAILED_REQUESTS, CACHE_HITS];
    measures.extend(source.facts.rollups().map(|_| CACHED_TOKENS));
    let measure_set = MeasureSet { measures: &measures, which: Groups::ONLY, cost_shares: false };
    let Some(total) = measure(conn, source, question, &grouping, measure_set).await?.pop() else {
        return Ok(Totals { cache_savings: Some(Money::zero()), ..Totals::default() });
    };
    let figures = total.figures;
    let sessions: HashMap<_, _> = sessions(conn, source, question, &grouping, &GroupSelection::default()).await?;
    Ok(Totals {
        spend: Money(figures.exact_spend),
        requests: figures.requests,
        total_tokens: figures.total_tokens,
        prompt_tokens: figures.prompt_tokens,
        completion_tokens: figures.completion_tokens,
        cached_tokens: figures.cached_tokens,
        sessions: sessions.into_values().sum(),
        failed_requests: figures.failed_requests,
        cache_hits: figures.cache_hits,
        cache_savings: savings(conn, source, question, figures.cache_hits).await?,
    })
}

/// What the requests that LiteLLM's cache answered would have cost.
async fn savings(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    cache_hits: i64,
) -> sqlx::Result<Option<Money>> {
    if cache_hits == 0 {
        return Ok(Some(Money::zero()));
    }
    let grouping = Grouping { keys: vec![Dimension::Model], starts: vec![question.window.start] };
    let which = Groups::TopN { order: Order::Cost, top: MOST_GROUPS, include_other: false };
    let measures = [SPEND, FAILED_REQUESTS, CACHE_HITS];
    let measure_set = MeasureSet { measures: &measures, which, cost_shares: false };
    let models = measure(conn, source, question, &grouping, measure_set).await?;
    let known = models.into_iter().filter_map(|model| {
        let figures = model.figures;
        let others = figures.requests - figures.cache_hits - figures.failed_requests;
        let saved = figures.exact_spend * figures.cache_hits;
        (figures.cache_hits > 0 && others > 0).then(|| Money(saved / others).rounded(8))
    });
    let known: Vec<Money> = known.collect();
    Ok((!known.is_empty()).then(|| known.iter().sum()))
}

/// The times that a report's is compared with.
pub(super) fn others(span: &Span) -> [(Against, Span); 3] {
    [(Against::Previous, span.previous()), (Against::MonthAgo, span.month_ago()), (Against::YearAgo, span.year_ago())]
}

/// How much of a time is known, if the first known request is that of `since`.
pub(super) fn coverage(window: &TimeWindow, since: Option<DateTime<Utc>>) -> Coverage {
    match since {
        Some(since) if since <= window.start => Coverage::Whole,
        Some(since) if since < window.end => Coverage::Partly,
        _ => Coverage::Unknown,
    }
}

/// The figures of the other times, as far as they are known.
pub(super) async fn comparisons(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
    (now, since): (&Totals, Option<DateTime<Utc>>),
) -> sqlx::Result<Vec<Comparison>> {
    let mut comparisons = Vec::with_capacity(3);
    for (against, span) in others(&query.span) {
        let coverage = coverage(&span.window, since);
        let question = Question::new(span.window, query.filter.clone());
        let totals = match coverage {
            Coverage::Unknown => None,
            Coverage::Whole | Coverage::Partly => Some(totals(conn, source, &question).await?),
        };
        let before = totals.as_ref().filter(|before| coverage == Coverage::Whole && !before.spend.is_zero());
        let change = before.map(|before| (&now.spend - &before.spend).share_of(&before.spend));
        comparisons.push(Comparison {
            against,
            label: span.label(),
            start: span.window.start,
            end: span.window.end,
            coverage,
            totals,
            spend_change_percent: change,
        });
    }
    Ok(comparisons)
}
