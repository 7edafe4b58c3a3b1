//! Facts from the table that the indexer has filled.

use sqlx::{Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_facts::scope::Owners;
use traceability_facts::scope::ScopeSql;
use traceability_facts::{Beside, Conditions, Fact, RowSelector};

use crate::names::stored;

/// [`CONTENT_COLUMNS`](traceability_facts::CONTENT_COLUMNS) of the index.
const NO_CONTENT: &str = ", NULL::jsonb AS messages, NULL::jsonb AS proxy_server_request, false AS has_request_metadata, \
                          NULL::jsonb AS response, \
                          NULL::text AS logged_request, NULL::jsonb AS mcp_tool_call, \
                          NULL::text AS cold_storage_object_key, NULL::jsonb AS error_information, \
                          NULL::bigint AS logged_length, true AS deleted";

/// The rest of a record of the index.
const NO_RECORD: &str = ", NULL::timestamp AS completion_started_at, NULL::text AS cache_hit_text, \
                         NULL::text AS cache_key, NULL::text AS api_base, NULL::jsonb AS metadata, \
                         '{}'::text[] AS row_keys";

/// Appends `(SELECT …)`: the named facts, and what is asked for beside them, of the rows that the caller may see. The index
/// has facts only: the columns beside them are NULL.
pub fn push_requests(
    sql: &mut QueryBuilder<Postgres>,
    facts: &[Fact],
    beside: Beside,
    rows: RowSelector<'_>,
    scope: &Scope,
) {
    let columns: Vec<String> = facts.iter().map(|fact| format!("s.{}", fact.name())).collect();
    sql.push("(SELECT ").push(columns.join(", "));
    let further: &[&str] = match beside {
        Beside::Nothing => &[],
        Beside::Content => &[NO_CONTENT],
        Beside::Record => &[NO_CONTENT, NO_RECORD],
        Beside::UnbilledCost => &[", NULL::numeric AS unbilled_cost"],
    };
    sql.push(further.concat());
    sql.push(" FROM traceability.requests s");
    if matches!(rows, RowSelector::Session(_) | RowSelector::SessionOf(_)) {
        // The session's row tells when it was active: in the partitions of other months nobody needs to look.
        sql.push(
            " JOIN traceability.sessions b ON b.session_id = s.session_id AND s.started_at >= b.session_start \
             AND s.started_at <= b.last_activity",
        );
    }
    let mut conditions = Conditions::new(sql);
    push_rows(&mut conditions, rows);
    scope.push(&mut conditions, &Owners { user: "s.user_id", team: "s.team_id", agent: "s.agent_name" });
    sql.push(")");
}

fn push_rows(conditions: &mut Conditions<'_>, rows: RowSelector<'_>) {
    match rows {
        RowSelector::All => {}
        RowSelector::Started(window) => {
            conditions.and().push("s.started_at >= ").push_bind(window.start.naive_utc());
            conditions.and().push("s.started_at < ").push_bind(window.end.naive_utc());
        }
        RowSelector::StartedInSessions { window, sessions } => {
            push_rows(conditions, RowSelector::Started(window));
            let sessions: Vec<_> = sessions.iter().map(|id| stored(id).into_owned()).collect();
            conditions.and().push("s.session_id = ANY(").push_bind(sessions).push(")");
        }
        RowSelector::Session(id) => {
            conditions.and().push("b.session_id = ").push_bind(stored(id).into_owned());
        }
        RowSelector::SessionOf(column) => {
            conditions.and().push("b.session_id = ").push(column);
        }
        RowSelector::Request(id) => {
            conditions.and().push("s.request_id = ").push_bind(stored(id).into_owned());
        }
        RowSelector::Call(id) => {
            if is_uuid(id) {
                conditions.and().push("s.call_uuid = ").push_bind(id.to_owned()).push("::uuid");
            } else {
                conditions.and().push("s.call_name = ").push_bind(stored(id).into_owned());
            }
        }
        RowSelector::Requests(ids) => {
            conditions
                .and()
                .push("s.request_id = ANY(")
                .push_bind(ids.iter().map(|id| stored(id).into_owned()).collect::<Vec<_>>())
                .push(")");
        }
        RowSelector::StartedIn(windows) => RowSelector::push_windows("s.started_at", windows, conditions),
    }
}

/// Whether the index stores a call's id as a UUID: as PostgreSQL writes one, so that it comes back as it was.
fn is_uuid(id: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    id.len() == 36
        && id.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_digit(byte),
        })
}

/// SQL of what LiteLLM calls the `dimension` whose id is `outer`, a column of the outer query.
#[must_use]
pub fn label(dimension: &str, outer: &str) -> String {
    format!("(SELECT l.label FROM traceability.labels l WHERE l.dimension = '{dimension}' AND l.id = {outer})")
}

/// A query for the ids of a `dimension` that LiteLLM calls by these labels.
#[must_use]
pub fn labelled(dimension: &str, labels: &[String]) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!(
        "SELECT l.id FROM traceability.labels l WHERE l.dimension = '{dimension}' AND l.label = ANY("
    ));
    sql.push_bind(labels.to_vec()).push(") ORDER BY l.id");
    sql
}
