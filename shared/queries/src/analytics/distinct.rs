//! How many sessions or users there are in a group and a bucket. Passes apart from that of the sums: those may need the fat
//! responses, and telling sessions apart would carry those through a sort.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_db::Connection;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::{Fact, RowSelector};

use super::grouping::{GroupSelection, Grouping};
use super::rollup_plan::{Edges, RollupPlan};
use super::{Question, partials};
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
    shown: &GroupSelection,
) -> sqlx::Result<Counts> {
    let Some(rolled) = RollupPlan::of(source, question, grouping) else {
        return count(conn, source, question, grouping, shown).await;
    };
    let rolled = rolled.for_sessions(question, grouping);
    let [first, second] = rolled.keys();
    let mut sql = QueryBuilder::new(format!(
        "SELECT {first} AS k1, {second} AS k2, p.bucket, sum({NEWLY_ACTIVE})::bigint AS sessions"
    ));
    rolled.push_from(&mut sql, Some(shown));
    sql.push(" GROUP BY 1, 2, 3");
    let rows: Vec<(String, String, i32, i64)> = sql.build_query_as().fetch_all(&mut *conn).await?;
    let mut counts: Counts = rows.into_iter().map(|row| of_row(grouping, row)).collect();
    add_sessions_of_rest(conn, source, question, grouping, &rolled, &mut counts).await?;
    Ok(counts)
}

/// SQL of the sessions that became active in the span of a roll-up `p`: those with a request in it that had none before in
/// the same bucket, as far as roll-ups cover that.
pub(super) const NEWLY_ACTIVE: &str = "\
    p.new_sessions + CASE WHEN p.returning_sessions IS NULL THEN 0 ELSE \
        (SELECT COALESCE(sum(e.element & 1099511627775), 0) FROM unnest(p.returning_sessions) AS e(element) \
         WHERE p.starts - (e.element >> 40) < p.since) END";

/// Adds the sessions that have a request in the rest of a bucket only.
pub(super) async fn add_sessions_of_rest(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    rolled: &RollupPlan,
    counts: &mut Counts,
) -> sqlx::Result<()> {
    let rests = rolled.rests();
    if rests.is_empty() {
        return Ok(());
    }
    let mut sql = QueryBuilder::new("");
    push_sessions_of_rest(&mut sql, &rests, source, question, grouping);
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

/// Appends a `SELECT` of the sessions that have a request in the rest of a bucket only.
fn push_sessions_of_rest(
    sql: &mut QueryBuilder<Postgres>,
    rests: &[Edges],
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) {
    if grouping.has_several_keys_per_request() {
        push_sessions_of_rest_as_sets(sql, rests, source, question, grouping);
        return;
    }
    sql.push("SELECT d.k1, d.k2, d.bucket, count(*) AS sessions FROM (");
    push_rest(sql, rests, source, question, grouping);
    // A scalar subquery: as NOT EXISTS the planner might read all that is rolled up to answer it for all sessions at once.
    sql.push(") AS d WHERE (SELECT true FROM ");
    let [first, second] = grouping.keys();
    push_rolled_facts(sql, source, question, grouping);
    sql.push(format!(" AND {first} = d.k1 AND {second} = d.k2 LIMIT 1) IS NULL GROUP BY 1, 2, 3"));
}

/// The same where a request has many keys: looking for each of thousands of keys among the thousands of another request of
/// the session would take their product in time, so all keys of a session are found at once. As a difference of sets, which
/// is never computed by comparing each with each.
fn push_sessions_of_rest_as_sets(
    sql: &mut QueryBuilder<Postgres>,
    rests: &[Edges],
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) {
    const CELL: &str = "d.k1, d.k2, d.bucket, d.session_id";
    sql.push("WITH rest AS MATERIALIZED (");
    push_rest(sql, rests, source, question, grouping);
    sql.push(format!(
        ") SELECT d.k1, d.k2, d.bucket, count(*) AS sessions FROM (SELECT {CELL} FROM rest AS d EXCEPT \
         SELECT e.k1, e.k2, d.bucket, d.session_id FROM \
         (SELECT DISTINCT r.session_id, r.bucket, r.rolled_from, r.rolled_until FROM rest AS r) AS d CROSS JOIN LATERAL (SELECT "
    ));
    let [first, second] = grouping.keys();
    sql.push(format!("{first} AS k1, {second} AS k2 FROM "));
    push_rolled_facts(sql, source, question, grouping);
    sql.push(" OFFSET 0) AS e) AS d GROUP BY 1, 2, 3");
}

/// Appends a `SELECT` of the sessions with a request in the rest of a bucket, each once, also where it is in several parts.
fn push_rest(
    sql: &mut QueryBuilder<Postgres>,
    rests: &[Edges],
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
) {
    let [first, second] = grouping.keys();
    for (place, rest) in rests.iter().enumerate() {
        sql.push(if place > 0 { " UNION " } else { "" });
        sql.push(format!(
            "SELECT DISTINCT {first} AS k1, {second} AS k2, g.bucket, f.session_id, g.rolled_from, g.rolled_until"
        ));
        rest.push_from(sql, source, question, grouping, &[Fact::SessionId]);
    }
}

/// Appends the facts of the session `d.session_id` that are rolled up in its bucket, with a `WHERE`.
fn push_rolled_facts(sql: &mut QueryBuilder<Postgres>, source: Source<'_>, question: &Question, grouping: &Grouping) {
    grouping.push_facts(sql, source, question, RowSelector::SessionOf("d.session_id"), &[]);
    grouping.push_where(sql, question);
    sql.push(" AND f.started_at >= d.rolled_from AND f.started_at < d.rolled_until");
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
    let mut sql = QueryBuilder::new("WITH partials AS (");
    partials::push(&mut sql, source, question, &grouping, &[]);
    sql.push(format!(
        ") SELECT p.bucket, count(DISTINCT p.k1) FROM partials AS p WHERE p.k1 <> '{UNKNOWN}' GROUP BY p.bucket"
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
    let window = Grouping { keys: Vec::new(), starts: vec![question.window.start] };
    let mut sql = QueryBuilder::new(
        "SELECT count(DISTINCT d.session_id), count(DISTINCT d.user_id) FILTER (WHERE d.user_id <> 'unknown') FROM (SELECT DISTINCT f.session_id, f.user_id",
    );
    window.push_from(&mut sql, source, question, &question.window, &[Fact::SessionId, Fact::UserId]);
    window.push_where(&mut sql, question);
    sql.push(") AS d");
    sql.build_query_as().fetch_one(conn).await
}

async fn count(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &GroupSelection,
) -> sqlx::Result<Counts> {
    let mut sql = QueryBuilder::new("SELECT d.place, d.bucket, count(*) AS number FROM (SELECT DISTINCT ");
    push_cell(&mut sql, grouping);
    sql.push(", f.session_id");
    let shown = GroupSelection { other: false, ..shown.clone() };
    push_cells(&mut sql, source, question, grouping, &shown, &[Fact::SessionId]);
    sql.push(") AS d GROUP BY d.place, d.bucket");
    let rows: Vec<(Option<i64>, i32, i64)> = sql.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(place, bucket, number)| (cell(&shown, place, bucket), number)).collect())
}

/// Appends `place, bucket`: the group's place among the shown ones, and the bucket's number.
pub(super) fn push_cell(sql: &mut QueryBuilder<Postgres>, grouping: &Grouping) {
    sql.push(if grouping.keys.is_empty() { "1::bigint AS place, " } else { "r.place, " });
    grouping.push_bucket(sql);
    sql.push(" AS bucket");
}

/// Appends ` FROM … WHERE …`: the facts of the shown groups.
pub(super) fn push_cells(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &GroupSelection,
    facts: &[Fact],
) {
    grouping.push_from(sql, source, question, &question.window, facts);
    if !grouping.keys.is_empty() {
        let [first, second] = grouping.keys();
        sql.push(shown.join());
        shown.push(sql);
        sql.push(format!(" ON r.k1 = {first} AND r.k2 = {second}"));
    }
    grouping.push_where(sql, question);
}

/// The group and the bucket of a row.
pub(super) fn cell(shown: &GroupSelection, place: Option<i64>, bucket: i32) -> (Vec<String>, usize) {
    (shown.keys_at(place), usize::try_from(bucket - 1).unwrap_or_default())
}
