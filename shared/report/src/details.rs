//! The most expensive sessions, and what speaks against the figures.

use traceability_core::money::Money;
use traceability_core::scalar::Origin;
use traceability_db::Connection;
use traceability_litellm::{FLAGS, SHARES_CALL_ID};
use traceability_queries::Source;
use traceability_queries::analytics::Question;
use traceability_queries::reports::{data_quality, of_origins, sharing_call_ids};
use traceability_queries::sessions::{SessionSearch, SessionSort, TotalsFilter, search, summaries};

use super::ReportQuery;
use super::breakdowns::MOST_READ;
use super::document::{ExpensiveSession, FlaggedRequests, Quality, RequestsOfOrigin, UnpricedModel};

/// Of more requests not each one is looked at: that would take longer than all else.
const MOST_REQUESTS: i64 = 2_000_000;
/// So many models without a price are told.
const MOST_MODELS: u32 = 20;

/// The most expensive sessions with a request in question, with what they cost in all.
pub(super) async fn sessions(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
) -> sqlx::Result<Vec<ExpensiveSession>> {
    let question = SessionSearch {
        window: query.span.window,
        filter: query.filter.clone(),
        id_prefix: None,
        totals: TotalsFilter::default(),
        sort: SessionSort::Cost,
        descending: true,
        as_of: query.now,
    };
    let most_expensive = search(conn, source, &question, None, query.top, 0).await?;
    let ids: Vec<String> = most_expensive.iter().map(|session| session.session_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = summaries(conn, source, &ids).await?;
    let session = |summary: traceability_queries::sessions::SessionSummary| {
        // The place in the order is the exact cost.
        let place = most_expensive.iter().find(|session| session.session_id == summary.session_id)?;
        Some(ExpensiveSession {
            spend: place.value.parse().ok()?,
            link: link(query, &summary.session_id),
            session_id: summary.session_id,
            requests: summary.total_messages,
            total_tokens: summary.total_tokens,
            session_start: summary.session_start,
            last_activity: summary.last_activity,
            agent_name: summary.agent_name,
            user_id: summary.user_id,
        })
    };
    Ok(known.into_iter().filter_map(session).collect())
}

/// Where the API shows a session.
fn link(query: &ReportQuery, session_id: &str) -> Option<String> {
    let mut url = query.links.clone()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "v1", "sessions", session_id, "messages"]);
    Some(url.into())
}

/// What speaks against the figures of the requests in question, of which there are so many.
pub(super) async fn quality(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    requests: i64,
) -> sqlx::Result<Quality> {
    if requests > MOST_REQUESTS {
        return Ok(Quality::default());
    }
    let mut found = data_quality(conn, source, question, MOST_MODELS).await?.into_iter();
    let all = found.next().unwrap_or_default();
    let models = found.map(|model| UnpricedModel {
        model: model.model.unwrap_or_default(),
        requests: model.unpriced_requests,
        total_tokens: model.unpriced_tokens,
    });
    let shared = (SHARES_CALL_ID, sharing_call_ids(conn, source, question).await?);
    // Without any request there is no row.
    let counts = all.flags.iter().copied().chain(std::iter::repeat(0));
    let flags = FLAGS.into_iter().zip(counts).chain([shared]).map(|(flag, requests)| FlaggedRequests {
        flag: flag.name.to_owned(),
        requests,
        description: flag.description.to_owned(),
    });
    let flags = flags.collect();
    Ok(Quality {
        unpriced_requests: Some(all.unpriced_requests),
        unpriced_tokens: Some(all.unpriced_tokens),
        unpriced_models: Some(models.collect()),
        requests_without_session: Some(all.without_session),
        requests_with_lost_cost: all.unbilled_requests,
        lost_cost: all.unbilled_cost.map(Money),
        flags: Some(flags),
        origins: origins(conn, source, question, requests).await?,
    })
}

/// The requests of each origin; `None` where they are too many for their metadata to be read.
async fn origins(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    requests: i64,
) -> sqlx::Result<Option<Vec<RequestsOfOrigin>>> {
    if source.facts.has_stored_content() && requests > MOST_READ {
        return Ok(None);
    }
    let found = of_origins(conn, source, question).await?;
    let of = |origin: Origin| {
        let found = found.iter().find(|found| found.origin.as_deref() == origin.word());
        let (requests, cost) =
            found.map_or_else(|| (0, Money::zero()), |found| (found.requests, Money(found.cost.clone())));
        RequestsOfOrigin { origin, requests, cost }
    };
    Ok(Some(Origin::ALL.map(of).to_vec()))
}
