//! All that is asked of a group, put together from its statements.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use traceability_core::dimension::Dimension;
use traceability_db::Connection;
use traceability_facts::dimension::DimensionSql;
use traceability_facts::measures::{
    CACHED_TOKENS, CACHED_TOKENS_OF, DURATION_MS, FAILED_REQUESTS, Measure, SESSIONS, SPEND, STREAMED, TTFT_MS, needed,
};

use super::Question;
use super::distinct::{sessions_and_users, users};
use super::grouping::{Bucket, GroupSelection, Grouping};
use super::measure::{Figures, Groups, MeasureSet, Measured, Order, measure};
use super::percentiles::{Passes, Percentiles, sessions_and_percentiles};
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
pub struct Spec {
    /// The measures.
    pub measures: &'static [Measure],
    /// What comes first.
    pub order: Order,
    /// What is asked beside the measures.
    pub extras: &'static [Extra],
}

/// What is asked of groups beside measures: each costs a pass, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// The groups beyond the last as one group more.
    OtherGroup,
    /// The shares of the window's cost.
    CostShares,
    /// What the window has in all.
    Whole,
    /// How many sessions there are.
    Sessions,
    /// How many users there are.
    Users,
    /// The percentiles, also where no details are.
    Percentiles,
    /// The keys' names.
    Labels,
}

impl Spec {
    /// These measures, the busiest group first.
    #[must_use]
    pub const fn new(measures: &'static [Measure]) -> Self {
        Self { measures, order: Order::Requests, extras: &[] }
    }

    /// Whether that is asked for.
    #[must_use]
    pub fn asks_for(&self, extra: Extra) -> bool {
        self.extras.contains(&extra)
    }

    /// What comes first, and how many groups.
    pub(super) fn top(&self, top: u32) -> Groups<'static> {
        Groups::TopN { order: self.order, top, include_other: self.asks_for(Extra::OtherGroup) }
    }

    /// Which of the two passes apart from the sums are needed.
    pub(super) fn passes(&self, question: &Question) -> Passes {
        Passes {
            sessions: self.asks_for(Extra::Sessions) || question.has_details(),
            percentiles: self.asks_for(Extra::Percentiles) || question.has_details(),
        }
    }

    /// The measures, those of details and of times and `series` included.
    fn measures(&self, question: &Question, series: &[Measure]) -> Vec<Measure> {
        let details: &[Measure] = if question.has_details() { &OF_DETAILS } else { &[] };
        let times: &[Measure] = if self.passes(question).percentiles { &OF_TIMES } else { &[] };
        needed(&[self.measures, details, times, series])
    }
}

impl Group {
    fn of(measured: Measured) -> Self {
        let Measured { keys, other, figures, buckets } = measured;
        Self { keys, other, sessions: figures.sessions, figures, buckets, ..Self::default() }
    }

    /// The groups as those of another question.
    pub(super) fn selection(groups: &[Self]) -> GroupSelection {
        let keys = groups.iter().filter(|group| !group.other).map(|group| group.keys.clone()).collect();
        GroupSelection { keys, other: groups.iter().any(|group| group.other) }
    }
}

/// Which groups are asked for, and what of them.
#[derive(Clone, Copy)]
pub(super) struct GroupQuery<'a> {
    /// What the endpoint asks.
    pub(super) spec: Spec,
    /// Which groups.
    pub(super) which: Groups<'a>,
    /// What is asked of each bucket.
    pub(super) series: &'a [Measure],
}

/// The groups that are asked for, or the one without keys.
pub(super) async fn groups(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    GroupQuery { spec, which, series }: GroupQuery<'_>,
) -> sqlx::Result<Vec<Group>> {
    let mut measures = spec.measures(question, series);
    let mut passes = spec.passes(question);
    if passes.sessions && can_count_along(source, grouping, which) {
        measures.push(SESSIONS);
        passes.sessions = false;
    }
    let measure_set = MeasureSet { measures: &measures, which, cost_shares: spec.asks_for(Extra::CostShares) };
    let found = measure(conn, source, question, grouping, measure_set).await?;
    let mut groups: Vec<Group> = found.into_iter().map(Group::of).collect();
    if groups.is_empty() {
        // The window itself is a group even if nothing happened in it.
        if !grouping.keys.is_empty() {
            return Ok(groups);
        }
        groups.push(Group::default());
    }
    let (grouping, selection) = (grouping.without_buckets(), Group::selection(&groups));
    let counts_users = spec.asks_for(Extra::Users);
    if counts_users && source.facts.rollups().is_none() {
        (groups[0].sessions, groups[0].users) = sessions_and_users(conn, source, question).await?;
        passes.sessions = false;
    } else if counts_users {
        // Of the window only: no endpoint shows them of a group.
        let numbers = users(conn, source, question, &grouping.starts).await?;
        groups[0].users = numbers.first().copied().unwrap_or_default();
    }
    let (mut counts, mut times) =
        sessions_and_percentiles(conn, source, question, &grouping, &selection, passes).await?;
    for group in &mut groups {
        let cell = (group.keys.clone(), 0);
        if passes.sessions {
            group.sessions = counts.remove(&cell).unwrap_or_default();
        }
        group.percentiles = times.remove(&cell).unwrap_or_default();
    }
    if spec.asks_for(Extra::Whole) {
        let whole = whole(conn, source, question).await?;
        for group in &mut groups {
            group.whole = whole;
        }
    }
    if spec.asks_for(Extra::Labels) {
        for (place, dimension) in grouping.keys.iter().enumerate() {
            label(conn, source, *dimension, place, &mut groups).await?;
        }
    }
    Ok(groups)
}

/// Whether sessions can be told apart while the rest is summed up, and should, since another pass would read the payload once
/// more. Buckets and the others' groups have sessions in common.
fn can_count_along(source: Source<'_>, grouping: &Grouping, which: Groups<'_>) -> bool {
    let are_apart = match which {
        Groups::TopN { include_other, .. } => !include_other,
        Groups::Selection(selection) => !selection.other,
    };
    let is_expensive = grouping.keys.iter().any(|key| key.reads_payload());
    is_expensive && are_apart && !grouping.has_buckets() && source.facts.has_stored_content()
}

/// All requests in question, whether they are in a group or not.
async fn whole(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Whole> {
    let measure_set = MeasureSet { measures: &[FAILED_REQUESTS], which: Groups::ONLY, cost_shares: false };
    let measured = measure(conn, source, question, &Grouping::none(&question.window), measure_set).await?;
    let whole = |one: &Measured| Whole { requests: one.figures.requests, failed_requests: one.figures.failed_requests };
    Ok(measured.first().map(whole).unwrap_or_default())
}

/// All requests in question as one group per bucket.
pub(super) async fn groups_by_bucket(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
    spec: Spec,
) -> sqlx::Result<Vec<Group>> {
    let grouping = Grouping { keys: Vec::new(), starts: starts.to_vec() };
    let measures = spec.measures(question, &[]);
    let measure_set = MeasureSet { measures: &measures, which: Groups::ONLY, cost_shares: false };
    let mut groups = vec![Group::default(); starts.len()];
    let found = measure(conn, source, question, &grouping, measure_set).await?;
    for (place, figures) in found.into_iter().flat_map(|all| all.buckets) {
        if let Some(group) = groups.get_mut(place) {
            group.figures = figures;
        }
    }
    let (selection, passes) = (GroupSelection::default(), spec.passes(question));
    let (counts, times) = sessions_and_percentiles(conn, source, question, &grouping, &selection, passes).await?;
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
pub(super) fn label_of(dimension: Dimension, facts: &RequestSource, id: &str) -> Option<String> {
    match dimension {
        Dimension::Team => Some(facts.team_label(id)),
        Dimension::Key => Some(facts.key_label(id)),
        _ => None,
    }
}
