//! Facts from the table that the indexer has filled.

use sqlx::{Postgres, QueryBuilder};

use super::{Fact, Rows};
use crate::access::{Owners, Scope};
use crate::index::names::stored;

/// Appends a `FROM` item `(…) AS alias` with the named facts, and `further` columns, of the rows that the caller may see.
pub(super) fn push_source(
    sql: &mut QueryBuilder<Postgres>,
    alias: &str,
    facts: &[Fact],
    further: &str,
    rows: Rows<'_>,
    scope: &Scope,
) {
    let columns: Vec<String> = facts.iter().map(|fact| format!("s.{}", fact.name())).collect();
    sql.push("(SELECT ").push(columns.join(", ")).push(further).push(" FROM traceability.facts s");
    if matches!(rows, Rows::Session(_) | Rows::SessionOf(_)) {
        // The session's row tells when it was active: in the partitions of other months nobody needs to look.
        sql.push(
            " JOIN traceability.sessions b ON b.session_id = s.session_id AND s.started_at >= b.session_start \
             AND s.started_at <= b.last_activity",
        );
    }
    sql.push(" WHERE ");
    push_rows(sql, rows);
    sql.push(" AND ");
    scope.push(sql, &Owners { user: "s.user_id", team: "s.team_id", agent: "s.agent_name" });
    sql.push(") AS ").push(alias);
}

fn push_rows(sql: &mut QueryBuilder<Postgres>, rows: Rows<'_>) {
    match rows {
        Rows::All => {
            sql.push("true");
        }
        Rows::Started(window) => {
            sql.push("s.started_at >= ").push_bind(window.start.naive_utc());
            sql.push(" AND s.started_at < ").push_bind(window.end.naive_utc());
        }
        Rows::Session(id) => {
            sql.push("b.session_id = ").push_bind(stored(id).into_owned());
        }
        Rows::SessionOf(column) => {
            sql.push("b.session_id = ").push(column);
        }
        Rows::Request(id) => {
            sql.push("s.request_id = ").push_bind(stored(id).into_owned());
        }
        Rows::Call(id) => {
            sql.push("s.call_id = ").push_bind(stored(id).into_owned());
        }
        Rows::Requests(ids) => {
            sql.push("s.request_id = ANY(")
                .push_bind(ids.iter().map(|id| stored(id).into_owned()).collect::<Vec<_>>())
                .push(")");
        }
        Rows::Between(from, until) => {
            sql.push(format!("s.started_at >= {from} AND s.started_at < {until}"));
        }
    }
}

/// SQL of what LiteLLM calls the `dimension` whose id is `outer`, a column of the outer query.
pub(super) fn label(dimension: &str, outer: &str) -> String {
    format!("(SELECT l.label FROM traceability.labels l WHERE l.dimension = '{dimension}' AND l.id = {outer})")
}
