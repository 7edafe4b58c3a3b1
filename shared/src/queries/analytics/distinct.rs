//! How many sessions or users there are in a group and a bucket. Passes of their own: the sums may need the fat responses,
//! and telling sessions apart would carry those through a sort.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use super::Question;
use super::grouping::{Grouping, Shown};
use crate::db::Connection;
use crate::facts::Fact;
use crate::queries::Source;

/// Numbers by the keys of the group and the place of the bucket, from 0. Where there is nothing, there is no entry. The
/// group that is made of all others has no keys.
pub type Counts = HashMap<(Vec<String>, usize), i64>;

/// The sessions with a request in the group and the bucket.
///
/// # Errors
/// Whatever the database reports.
pub async fn sessions(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
) -> sqlx::Result<Counts> {
    count(conn, source, question, grouping, shown, Fact::SessionId).await
}

/// The LiteLLM users with a request in the group and the bucket.
///
/// # Errors
/// Whatever the database reports.
pub async fn users(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
) -> sqlx::Result<Counts> {
    count(conn, source, question, grouping, shown, Fact::UserId).await
}

async fn count(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
    what: Fact,
) -> sqlx::Result<Counts> {
    let mut sql = QueryBuilder::new("SELECT d.place, d.bucket, count(d.one) AS number FROM (SELECT DISTINCT ");
    push_cell(&mut sql, grouping);
    sql.push(format!(", f.{} AS one", what.name()));
    push_cells(&mut sql, source, question, grouping, shown, &[what]);
    sql.push(") AS d GROUP BY d.place, d.bucket");
    let rows: Vec<(Option<i64>, i32, i64)> = sql.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(place, bucket, number)| (cell(shown, place, bucket), number)).collect())
}

/// Appends `place, bucket`: the group's place among the shown ones, and the bucket's number.
pub(super) fn push_cell(sql: &mut QueryBuilder<sqlx::Postgres>, grouping: &Grouping) {
    sql.push(if grouping.keys.is_empty() { "1::bigint AS place, " } else { "r.place, " });
    grouping.push_bucket(sql);
    sql.push(" AS bucket");
}

/// Appends ` FROM … WHERE …`: the facts of the shown groups.
pub(super) fn push_cells(
    sql: &mut QueryBuilder<sqlx::Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
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
pub(super) fn cell(shown: &Shown, place: Option<i64>, bucket: i32) -> (Vec<String>, usize) {
    (shown.keys_at(place), usize::try_from(bucket - 1).unwrap_or_default())
}
