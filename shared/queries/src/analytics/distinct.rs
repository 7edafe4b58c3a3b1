//! How many sessions or users there are in a group and a bucket. Passes apart from that of the sums: those may need the fat
//! responses, and telling sessions apart would carry those through a sort.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_db::Connection;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::{Conditions, Fact, RowSelector};

use super::Question;
use super::grouping::{GroupSelection, Grouping};
use super::partials::push_partials;
use super::rollup_plan::{Edges, RollupPlan};
use crate::Source;

/// Numbers by the keys of the group and the place of the bucket, from 0. Where there is nothing, there is no entry. The
/// group that is made of all others has no keys.
pub type Counts = HashMap<(Vec<String>, usize), i64>;

/// The sessions with a request in the group and the bucket. Not those of the group that is made of all others.
///
/// # Errors
/// Whatever the database reports.
pub async fn sessions(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
) -> sqlx::Result<Counts> {
    let Some(plan) = RollupPlan::of(source, question, grouping) else {
        return count(conn, source, question, grouping, selection).await;
    };
    let plan = plan.for_sessions(question, grouping);
    let [first, second] = plan.keys();
    let mut sql = QueryBuilder::new(format!(
        "SELECT {first} AS k1, {second} AS k2, p.bucket, sum({NEWLY_ACTIVE})::bigint AS sessions"
    ));
    plan.push_from(&mut sql, Some(selection));
    sql.push(" GROUP BY 1, 2, 3");
    let rows: Vec<(String, String, i32, i64)> = sql.build_query_as().fetch_all(&mut *conn).await?;
    let mut counts: Counts = rows.into_iter().map(|row| of_row(grouping, row)).collect();
    add_sessions_of_edges(conn, source, question, grouping, &plan, &mut counts).await?;
    Ok(counts)
}

/// SQL of the sessions that became active in the span of a roll-up `p`: those with a request in it that had none before in
/// the same bucket, as far as roll-ups cover that.
pub(super) const NEWLY_ACTIVE: &str = "\
    p.new_sessions + CASE WHEN p.returning_sessions IS NULL THEN 0 ELSE \
        (SELECT COALESCE(sum(e.element & 1099511627775), 0) FROM unnest(p.returning_sessions) AS e(element) \
         WHERE p.starts - (e.element >> 40) < p.since) END";

/// Adds the sessions that have a request at the edges of a bucket only.
pub(super) async fn add_sessions_of_edges(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    plan: &RollupPlan,
    counts: &mut Counts,
) -> sqlx::Result<()> {
    let edges = plan.edges();
    if edges.is_empty() {
        return Ok(());
    }
    let mut sql = sessions_of_edges(&edges, source, question, grouping);
    let rows: Vec<(String, String, i32, i64)> = sql.build_query_as().fetch_all(conn).await?;
    for (cell, sessions) in rows.into_iter().map(|row| of_row(grouping, row)) {
        *counts.entry(cell).or_default() += sessions;
    }
    Ok(())
}

fn of_row(
    grouping: &Grouping,
    (first, second, bucket, sessions): (String, String, i32, i64),
) -> ((Vec<String>, usize), i64) {
    let keys = [first, second].into_iter().take(grouping.keys.len()).collect();
    ((keys, usize::try_from(bucket - 1).unwrap_or_default()), sessions)
}

/// A query for the sessions that have a request at the edges of a bucket only.
fn sessions_of_edges(
    edges: &Edges,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("WITH ");
    edges.push_requests(&mut sql, source, &grouping.facts(question, &[Fact::SessionId]));
    let [first, second] = grouping.keys();
    sql.push(format!(
        ", cells AS NOT MATERIALIZED (SELECT DISTINCT {first} AS k1, {second} AS k2, f.bucket, f.session_id, f.rolled_from, \
         f.rolled_until"
    ));
    grouping.push_from_requests(&mut sql, question);
    sql.push(") SELECT d.k1, d.k2, d.bucket, count(*) AS sessions FROM ");
    if grouping.has_several_keys_per_request() {
        push_without_rolled_sets(&mut sql, source, question, grouping);
    } else {
        push_without_rolled(&mut sql, source, question, grouping);
    }
    sql.push(" GROUP BY 1, 2, 3");
    sql
}

/// Appends the cells `d` whose session has no request that is rolled up in the same group and bucket.
fn push_without_rolled(sql: &mut QueryBuilder<Postgres>, source: Source<'_>, question: &Question, grouping: &Grouping) {
    let [first, second] = grouping.keys();
    // LATERAL with a LIMIT: as NOT EXISTS the planner might read all that is rolled up to answer it for all sessions at once,
    // and a cluster does not take it.
    sql.push("cells AS d LEFT JOIN LATERAL (SELECT true AS is_rolled FROM ");
    let mut conditions = push_rolled_facts(sql, source, question, grouping);
    conditions.and().push(format!("{first} = d.k1"));
    conditions.and().push(format!("{second} = d.k2"));
    sql.push(" LIMIT 1) AS e ON true WHERE e.is_rolled IS NULL");
}

/// The same where a request has many keys: looking for each of thousands of keys among the thousands of another request of
/// the session would take their product in time, so all keys of a session are found at once. As groups, which are never
/// computed by comparing each with each.
fn push_without_rolled_sets(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) {
    let [first, second] = grouping.keys();
    sql.push(format!(
        "(SELECT u.k1, u.k2, u.bucket FROM (SELECT d.k1, d.k2, d.bucket, d.session_id, false AS is_rolled FROM cells AS d \
         UNION ALL SELECT e.k1, e.k2, d.bucket, d.session_id, true FROM \
         (SELECT DISTINCT c.session_id, c.bucket, c.rolled_from, c.rolled_until FROM cells AS c) AS d \
         CROSS JOIN LATERAL (SELECT {first} AS k1, {second} AS k2 FROM "
    ));
    let _ = push_rolled_facts(sql, source, question, grouping);
    sql.push(" OFFSET 0) AS e) AS u GROUP BY u.k1, u.k2, u.bucket, u.session_id HAVING NOT bool_or(u.is_rolled)) AS d");
}

/// Appends the facts of the session `d.session_id` that are rolled up in its bucket, and returns their conditions.
fn push_rolled_facts<'a>(
    sql: &'a mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) -> Conditions<'a> {
    // The session as well: a cluster then knows that all of this is in one place.
    source.push(sql, "f", &grouping.facts(question, &[Fact::SessionId]), RowSelector::SessionOf("d.session_id"));
    grouping.push_joins(sql);
    let mut conditions = Conditions::new(sql);
    conditions.and().push("f.started_at >= d.rolled_from");
    conditions.and().push("f.started_at < d.rolled_until");
    grouping.push_conditions(&mut conditions, question);
    conditions
}

/// The LiteLLM users with a request in the group and the bucket. Requests of nobody have none.
///
/// # Errors
/// Whatever the database reports.
pub async fn users(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
) -> sqlx::Result<Vec<i64>> {
    let grouping = Grouping { keys: vec![Dimension::User], starts: starts.to_vec() };
    let mut sql = QueryBuilder::new("");
    push_partials(&mut sql, source, question, &grouping, &[]);
    sql.push(format!(
        " SELECT p.bucket, count(DISTINCT p.k1) FROM partials AS p WHERE p.k1 <> '{UNKNOWN}' GROUP BY p.bucket"
    ));
    let rows: Vec<(i32, i64)> = sql.build_query_as().fetch_all(conn).await?;
    let mut numbers = vec![0; starts.len()];
    for (bucket, number) in rows {
        if let Some(place) = usize::try_from(bucket - 1).ok().and_then(|place| numbers.get_mut(place)) {
            *place = number;
        }
    }
    Ok(numbers)
}

/// Both of the whole window, in one pass over the facts.
///
/// # Errors
/// Whatever the database reports.
pub async fn sessions_and_users(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
) -> sqlx::Result<(i64, i64)> {
    let window = Grouping::none(&question.window);
    let mut sql = window.requests(source, question, &[Fact::SessionId, Fact::UserId]);
    sql.push(format!(
        " SELECT count(DISTINCT d.session_id), count(DISTINCT d.user_id) FILTER (WHERE d.user_id <> '{UNKNOWN}') \
         FROM (SELECT DISTINCT f.session_id, f.user_id"
    ));
    window.push_from_requests(&mut sql, question);
    sql.push(") AS d");
    sql.build_query_as().fetch_one(conn).await
}

async fn count(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
) -> sqlx::Result<Counts> {
    let mut sql = grouping.requests(source, question, &[Fact::SessionId]);
    sql.push(" SELECT d.place, d.bucket, count(*) AS number FROM (SELECT DISTINCT ");
    push_cell(&mut sql, grouping);
    sql.push(", f.session_id");
    let selection = GroupSelection { other: false, ..selection.clone() };
    push_cells(&mut sql, question, grouping, &selection);
    sql.push(") AS d GROUP BY d.place, d.bucket");
    let rows: Vec<(Option<i64>, i32, i64)> = sql.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(place, bucket, number)| (cell(&selection, place, bucket), number)).collect())
}

/// Appends `place, bucket`: the group's place among the shown ones, and the bucket's number.
pub(super) fn push_cell(sql: &mut QueryBuilder<Postgres>, grouping: &Grouping) {
    sql.push(if grouping.keys.is_empty() { "1::bigint AS place, " } else { "r.place, " });
    grouping.push_bucket(sql);
    sql.push(" AS bucket");
}

/// Appends ` FROM requests AS f … WHERE …`: those of the shown groups.
pub(super) fn push_cells(
    sql: &mut QueryBuilder<Postgres>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
) {
    sql.push(" FROM requests AS f");
    grouping.push_joins(sql);
    if !grouping.keys.is_empty() {
        let [first, second] = grouping.keys();
        sql.push(selection.join());
        selection.push(sql);
        sql.push(format!(" ON r.k1 = {first} AND r.k2 = {second}"));
    }
    grouping.push_conditions(&mut Conditions::new(sql), question);
}

/// The group and the bucket of a row.
pub(super) fn cell(selection: &GroupSelection, place: Option<i64>, bucket: i32) -> (Vec<String>, usize) {
    (selection.keys_at(place), usize::try_from(bucket - 1).unwrap_or_default())
}
