//! Counting tool calls as calls, and naming the called tools.
//!
//! The text `tool_calls` stands in every chat response, as `null`, so a search for the text counts nearly every row.
//! The calls themselves lie in a place of their own in each response shape, see [`traceability_content::calls`]. Where the content was not
//! stored, LiteLLM's index still has the *names* of the called tools, once per request: a lower bound, reported as such.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use traceability_content::calls::{EMBEDDINGS, Shape};

use super::probe::Schema;
use super::tables::TOOL_INDEX;
use super::{call_paths, unpacked};

const RESPONSE: &str = "s.response";

/// The response was not stored, or redacted so far that nothing of its shape is left. The size is known without a look at
/// the value.
const NO_CONTENT: &str = r#"(s.response IS NULL OR pg_column_size(s.response) < 100
    AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}'))"#;

/// Requests to MCP servers: what they answer with is the result of a call.
const IS_MCP: &str = r"(s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%')";

/// SQL of the number of calls. A call of an MCP tool through the proxy is one call itself.
pub(super) fn count(schema: &Schema) -> String {
    if has_index(schema) {
        with_inferred(&format!(r#"(SELECT count(*) FROM "{TOOL_INDEX}" t WHERE t.request_id = s.request_id)"#))
    } else {
        with_inferred("0")
    }
}

/// As [`count`], with the number of names from [`push_join`]: for many rows at once, since PostgreSQL does not share a
/// query with a subquery per row among its workers.
pub(super) fn count_joined(schema: &Schema) -> String {
    with_inferred(if has_index(schema) { "COALESCE(ti.names, 0)" } else { "0" })
}

/// Joins the index's names of each request that started in this time, and their number.
pub(super) fn push_join(sql: &mut QueryBuilder<Postgres>, schema: &Schema, start: DateTime<Utc>, end: DateTime<Utc>) {
    if has_index(schema) {
        sql.push(format!(
            r#" LEFT JOIN (SELECT t.request_id, count(*) AS names{} FROM "{TOOL_INDEX}" t WHERE t.start_time >= "#,
            if has_names(schema) { format!(", {INDEXED} AS tools") } else { String::new() }
        ));
        sql.push_bind(start.naive_utc()).push(" AND t.start_time < ").push_bind(end.naive_utc());
        sql.push(" GROUP BY t.request_id) ti ON ti.request_id = s.request_id");
    }
}

fn has_index(schema: &Schema) -> bool {
    schema.table_has(TOOL_INDEX, "request_id") && schema.table_has(TOOL_INDEX, "start_time")
}

fn with_inferred(inferred: &str) -> String {
    // Each look into `response` decompresses it, and an overview does so for every request: the shapes are told apart by
    // their keys first, the common ones before the rare, and calls are counted where there may be any.
    let counted = |shape: Shape| {
        let count = call_paths::count(RESPONSE, shape);
        match shape {
            Shape::Choices => {
                format!("CASE WHEN {} THEN {count} ELSE 0 END", call_paths::may_call(RESPONSE, shape))
            }
            _ => count,
        }
    };
    let rare = call_paths::by_shape(
        RESPONSE,
        &Shape::RARE,
        |shape| call_paths::count(RESPONSE, shape),
        &format!("CASE WHEN {} THEN {} ELSE 0 END", unpacked::is_wrapped(RESPONSE), unpacked::count(RESPONSE)),
    );
    let other = format!("CASE WHEN {NO_CONTENT} THEN {inferred} ELSE {rare} END");
    format!(
        "CASE WHEN s.call_type = 'call_mcp_tool' THEN 1 WHEN {} THEN 0 \
         WHEN {IS_MCP} THEN CASE WHEN {NO_CONTENT} THEN {inferred} ELSE 0 END ELSE {} END::bigint",
        is_embedding(),
        call_paths::by_shape(RESPONSE, &Shape::COMMON, counted, &other),
    )
}

/// Embeddings never call a tool, and their vectors are the largest responses of all.
fn is_embedding() -> String {
    format!("s.call_type IN ({})", EMBEDDINGS.map(|call_type| format!("'{call_type}'")).join(", "))
}

/// SQL of whether [`count`] counted rather than inferred. A failed request without a response called nothing.
pub(super) fn exact(status: &str) -> String {
    format!(
        "(s.call_type = 'call_mcp_tool' OR {} OR CASE WHEN {NO_CONTENT} THEN {status} = 'failure' \
         WHEN {IS_MCP} OR {} THEN true ELSE NOT {} END)",
        is_embedding(),
        call_paths::has_shape(RESPONSE),
        unpacked::may_hide_calls(RESPONSE)
    )
}

/// The index's names of one request, of its rows `t`.
const INDEXED: &str = r#"array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '')"#;

/// SQL of the distinct names of the called tools; NULL where none is known. The index has them even of responses that were
/// not stored, but not of every kind of call. Of a request that called an MCP tool through the proxy it is that tool.
pub(super) fn names(schema: &Schema) -> String {
    if has_names(schema) {
        let indexed = format!(r#"(SELECT {INDEXED} FROM "{TOOL_INDEX}" t WHERE t.request_id = s.request_id)"#);
        with_read(schema, Some(&indexed))
    } else {
        with_read(schema, None)
    }
}

/// As [`names`], with the index's names from [`push_join`].
pub(super) fn names_joined(schema: &Schema) -> String {
    with_read(schema, has_names(schema).then_some("ti.tools"))
}

fn has_names(schema: &Schema) -> bool {
    has_index(schema) && schema.table_has(TOOL_INDEX, "tool_name")
}

/// The statement for the requests in a span of time whose called tools the index names, and how many of them.
pub(super) fn named(schema: &Schema) -> Option<String> {
    has_names(schema).then(|| {
        format!(
            r#"SELECT t.request_id, count(DISTINCT t.tool_name) FROM "{TOOL_INDEX}" t WHERE t.start_time >= $1
               AND t.start_time < $2 AND t.tool_name <> '' GROUP BY t.request_id"#
        )
    })
}

/// With the index's names, where it has some.
fn with_read(schema: &Schema, indexed: Option<&str>) -> String {
    let column = schema.has("mcp_namespaced_tool_name").then_some("NULLIF(s.mcp_namespaced_tool_name, '')");
    // The column itself and not the unpacked payload: of these rows only.
    let logged = "NULLIF(s.metadata #>> '{mcp_tool_call_metadata,name}', '')";
    let mcp_tool = format!("NULLIF(array_remove(ARRAY[{}], NULL), '{{}}')", first_of(column, logged));
    let called_by_proxy = first_of(indexed, &mcp_tool);
    let indexed = indexed.unwrap_or("NULL::text[]");
    format!(
        "CASE WHEN s.call_type = 'call_mcp_tool' THEN {called_by_proxy} \
         WHEN {} OR {NO_CONTENT} OR {IS_MCP} OR {} AND NOT {} THEN {indexed} \
         ELSE (SELECT array_agg(DISTINCT n.name COLLATE \"C\") FROM (SELECT unnest({indexed}) UNION ALL SELECT {} \
         FROM (SELECT {} AS response OFFSET 0) r, jsonb_array_elements({}) AS c(call)) AS n(name) WHERE n.name <> '') END",
        is_embedding(),
        call_paths::is_shape(RESPONSE, Shape::Choices),
        call_paths::may_call(RESPONSE, Shape::Choices),
        call_paths::name("c.call"),
        unpacked::opened(RESPONSE),
        call_paths::by_shape(
            "r.response",
            &[&Shape::COMMON[..], &Shape::RARE].concat(),
            |shape| call_paths::list("r.response", shape),
            "'[]'"
        ),
    )
}

/// SQL of the preferred value where there is one, or else of the other.
fn first_of(preferred: Option<&str>, other: &str) -> String {
    preferred.map_or_else(|| other.to_owned(), |preferred| format!("COALESCE({preferred}, {other})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_can_share_the_count_of_an_overview() {
        let schema = Schema::default();
        let sql = count_joined(&schema);
        assert!(!sql.contains("SELECT"), "a subquery per row is not shared");
        assert!(sql.len() < 20_000, "{} characters are parsed for each overview", sql.len());
    }

    #[test]
    fn what_a_release_lacks_is_not_coalesced() {
        for sql in [names(&Schema::default()), names_joined(&Schema::default())] {
            assert!(!sql.contains("COALESCE(NULL,") && !sql.contains("COALESCE(NULL::"), "{sql}");
        }
    }
}
