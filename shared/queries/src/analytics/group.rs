//! All that is asked of a group, put together from its statements.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use traceability_core::dimension::Dimension;
use traceability_db::Connection;
use traceability_facts::dimension::DimensionSql;
use traceability_facts::measures::{
    CACHED_TOKENS, CACHED_TOKENS_OF, DURATION_MS, FAILED_REQUESTS, Measure, SPEND, STREAMED, TTFT_MS, needed,
};

use super::Question;
use super::distinct::{sessions_and_users, users};
use super::grouping::{Bucket, GroupSelection, Grouping};
use super::measure::{Figures, MeasureSet, Measured, Order, Pick, measure};
use super::percentiles::{Percentiles, sessions_and_percentiles};
use crate::Source;
use crate::source::RequestSource;

/// What [`Details`] needs.
const OF_DETAILS: [Measure; 4] = [FAILED_REQUESTS, SPEND, CACHED_TOKENS, CACHED_TOKENS_OF];
/// What [`Times`] needs.
const OF_TIMES: [Measure; 3] = [DURATION_MS, TTFT_MS, STREAMED];

/// One group of the requests in question.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its keys, one per dimension; none if it is made of all others.
    pub keys: Vec<String>,
    /// The keys' names, where LiteLLM has some.
    pub labels: Vec<Option<String>>,
    /// Whether it is made of all others.
    pub other: bool,
    /// The bucket that it is, among buckets.
    pub bucket: Option<Bucket>,
    /// What was measured.
    pub figures: Figures,
    /// Sessions with a request in the group.
    pub sessions: i64,
    /// LiteLLM users with a request in the group.
    pub users: i64,
    /// Its times.
    pub percentiles: Percentiles,
    /// What the window has in all.
    pub whole: Whole,
    /// What was measured in each bucket in which it has a request.
    pub buckets: BTreeMap<usize, Figures>,
}

/// The requests in question, whatever group they are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole {
    /// All.
    pub requests: i64,
    /// Those that failed.
    pub failed_requests: i64,
}

/// What an endpoint asks of each group.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for or not, whatever the others are")]
pub struct Spec {
    /// The measures.
    pub measures: &'static [Measure],
    /// What comes first.
    pub order: Order,
    /// Whether groups beyond the last are one group more.
    pub include_other: bool,
    /// Whether shares of the window's cost are shown.
    pub shares: bool,
    /// Whether shares of the window's requests are shown.
    pub whole: bool,
    /// Whether sessions are counted.
    pub sessions: bool,
    /// Whether users are counted.
    pub users: bool,
    /// Whether percentiles are shown without being asked for.
    pub percentiles: bool,
    /// Whether the keys' names are shown.
    pub labels: bool,
}

impl Spec {
    /// These measures, the busiest group first.
    #[must_use]
    pub const fn new(measures: &'static [Measure]) -> Self {
        Self {
            measures,
            order: Order::Requests,
            include_other: false,
            shares: false,
            whole: false,
            sessions: false,
            users: false,
            percentiles: false,
            labels: false,
        }
    }

    fn measures(self, question: &Question, more: &[Measure]) -> Vec<Measure> {
        let details: &[Measure] = if question.details { &OF_DETAILS } else { &[] };
        let times: &[Measure] = if question.details || self.percentiles { &OF_TIMES } else { &[] };
        needed(&[self.measures, details, times, more])
    }
}

impl Group {
    fn of(measured: Measured) -> Self {
        let Measured { keys, other, figures, buckets } = measured;
        Self { keys, other, sessions: figures.sessions, figures, buckets, ..Self::default() }
    }

    /// The groups as those of another question.
    pub(super) fn shown(groups: &[Self]) -> GroupSelection {
        let keys = groups.iter().filter(|group| !group.other).map(|group| group.keys.clone()).collect();
        GroupSelection { keys, other: groups.iter().any(|group| group.other) }
    }
}

/// The groups that are picked, or the one without keys, with what the endpoint wants of them, and `more` of their buckets.
pub(super) async fn groups(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    (wants, pick, more): (Spec, Pick<'_>, &[Measure]),
) -> sqlx::Result<Vec<Group>> {
    let measures = wants.measures(question, more);
    let counts_sessions = wants.sessions || question.details;
    let in_one_pass = counts_sessions && can_count_along(source, grouping, pick);
    let needs = MeasureSet { measures: &measures, pick, shares: wants.shares, sessions: in_one_pass };
    let found = measure(conn, source, question, grouping, needs).await?;
    let mut groups: Vec<Group> = found.into_iter().map(Group::of).collect();
    if groups.is_empty() {
        // The window itself is a group even if nothing happened in it.
        if !grouping.keys.is_empty() {
            return Ok(groups);
        }
        groups.push(Group::default());
    }
    let (grouping, shown) = (grouping.without_buckets(), Group::shown(&groups));
    let in_another = wants.users && !source.facts.is_indexed();
    if in_another {
        (groups[0].sessions, groups[0].users) = sessions_and_users(conn, source, question).await?;
    } else if wants.users {
        // Of the window only: no endpoint shows them of a group.
        let numbers = users(conn, source, question, &grouping.starts).await?;
        groups[0].users = numbers.first().copied().unwrap_or_default();
    }
    let wanted = (counts_sessions && !in_one_pass && !in_another, wants.percentiles || question.details);
    let (mut counts, mut times) = sessions_and_percentiles(conn, source, question, &grouping, &shown, wanted).await?;
    for group in &mut groups {
        let cell = (group.keys.clone(), 0);
        if wanted.0 {
            group.sessions = counts.remove(&cell).unwrap_or_default();
        }
        group.percentiles = times.remove(&cell).unwrap_or_default();
    }
    if wants.whole {
        let whole = whole(conn, source, question).await?;
        for group in &mut groups {
            group.whole = whole;
        }
    }
    if wants.labels {
        for (place, dimension) in grouping.keys.iter().enumerate() {
            label(conn, source, *dimension, place, &mut groups).await?;
        }
    }
    Ok(groups)
}

/// Whether sessions can be told apart while the rest is summed up, and should, since another pass would read the payload once
/// more. Buckets and the others' groups have sessions in common.
fn can_count_along(source: Source<'_>, grouping: &Grouping, pick: Pick<'_>) -> bool {
    let are_apart = match pick {
        Pick::Top { include_other, .. } => !include_other,
        Pick::Selection(shown) => !shown.other,
    };
    let is_dear = grouping.keys.iter().any(|key| key.reads_payload());
    is_dear && are_apart && !grouping.has_buckets() && !source.facts.is_indexed()
}

/// All requests in question, whether they are in a group or not.
async fn whole(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Whole> {
    let grouping = Grouping { keys: Vec::new(), starts: vec![question.window.start] };
    let pick = Pick::Top { order: Order::Requests, top: 1, include_other: false };
    let needs = MeasureSet { measures: &[FAILED_REQUESTS], pick, shares: false, sessions: false };
    let measured = measure(conn, source, question, &grouping, needs).await?;
    let whole = |one: &Measured| Whole { requests: one.figures.requests, failed_requests: one.figures.failed_requests };
    Ok(measured.first().map(whole).unwrap_or_default())
}

/// All requests in question as one group per bucket.
pub(super) async fn groups_by_bucket(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
    wants: Spec,
) -> sqlx::Result<Vec<Group>> {
    let grouping = Grouping { keys: Vec::new(), starts: starts.to_vec() };
    let measures = wants.measures(question, &[]);
    let pick = Pick::Top { order: wants.order, top: 1, include_other: false };
    let needs = MeasureSet { measures: &measures, pick, shares: false, sessions: false };
    let mut groups = vec![Group::default(); starts.len()];
    let found = measure(conn, source, question, &grouping, needs).await?;
    for (place, figures) in found.into_iter().flat_map(|all| all.buckets) {
        if let Some(group) = groups.get_mut(place) {
            group.figures = figures;
        }
    }
    let wanted = (wants.sessions || question.details, wants.percentiles || question.details);
    let (counts, times) =
        sessions_and_percentiles(conn, source, question, &grouping, &GroupSelection::default(), wanted).await?;
    for ((_, place), sessions) in counts {
        groups[place].sessions = sessions;
    }
    for ((_, place), times) in times {
        groups[place].percentiles = times;
    }
    Ok(groups)
}

/// Looks up the names of the keys of one dimension.
async fn label(
    conn: &mut Connection,
    source: Source<'_>,
    dimension: Dimension,
    place: usize,
    groups: &mut [Group],
) -> sqlx::Result<()> {
    let ids = groups.iter().filter_map(|group| group.keys.get(place)).cloned().collect();
    let names = labels(conn, source, dimension, ids).await?;
    for group in groups {
        let name = group.keys.get(place).and_then(|id| names.get(id).cloned());
        group.labels.push(name);
    }
    Ok(())
}

/// What LiteLLM calls these values of a dimension, where it has a name.
///
/// # Errors
/// Whatever the database reports.
pub async fn labels(
    conn: &mut Connection,
    source: Source<'_>,
    dimension: Dimension,
    ids: Vec<String>,
) -> sqlx::Result<HashMap<String, String>> {
    let Some(label) = label_of(dimension, source.facts, "r.id") else { return Ok(HashMap::new()) };
    let mut sql = QueryBuilder::new(format!("SELECT DISTINCT r.id, {label} FROM unnest("));
    sql.push_bind(ids).push("::text[]) AS r(id)");
    let rows: Vec<(String, Option<String>)> = sql.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().filter_map(|(id, name)| Some((id, name?))).collect())
}

/// SQL of the name that LiteLLM has for a key in the column `id`.
fn label_of(dimension: Dimension, facts: &RequestSource, id: &str) -> Option<String> {
    match dimension {
        Dimension::Team => Some(facts.team_label(id)),
        Dimension::Key => Some(facts.key_label(id)),
        _ => None,
    }
}
