//! Counting tool calls as calls, and naming the called tools.
//!
//! The text `tool_calls` stands in every chat response, as `null`, so a search for the text counts nearly every row.
//! The calls themselves lie in a place of their own in each response shape. Where the content was not stored, LiteLLM's
//! index still has the *names* of the called tools, once per request: a lower bound, reported as such.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::probe::{Schema, TOOL_INDEX};

/// Chat completions, and what LiteLLM converts to them (Anthropic, Gemini, assembled streams), then functions, the
/// predecessor of tools. The type filter is needed because `[*]` turns a `null` into one item.
const IN_CHOICES: &[&str] = &[
    r#"$.choices[*].message.tool_calls[*] ? (@.type() == "object")"#,
    r#"$.choices[*].message.function_call ? (@.type() == "object")"#,
];

/// Responses API.
const IN_OUTPUT: &[&str] =
    &[r#"$.output[*] ? (@.type == "function_call" || @.type == "mcp_call" || @.type == "custom_tool_call")"#];

/// Anthropic's blocks, Gemini's parts and realtime calls, in responses that LiteLLM passed through.
const ELSEWHERE: &[&str] = &[
    r#"$.content[*] ? (@.type == "tool_use" || @.type == "server_tool_use" || @.type == "mcp_tool_use")"#,
    r#"$.candidates[*].content.parts[*].functionCall ? (@.type() == "object")"#,
    r#"$.tool_calls[*] ? (@.type() == "object")"#,
];

/// The response was not stored, or redacted so far that nothing of its shape is left.
const NO_CONTENT: &str = r#"(s.response IS NULL OR s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}'))"#;

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
    // their keys first, the common ones before the rare. Embeddings never call a tool, and their vectors are the
    // largest responses of all.
    format!(
        "CASE WHEN s.call_type = 'call_mcp_tool' THEN 1 \
         WHEN s.call_type IN ('aembedding', 'embedding') THEN 0 \
         WHEN s.response ? 'choices' THEN {} \
         WHEN s.response ? 'output' THEN {} \
         WHEN {NO_CONTENT} THEN {inferred} \
         ELSE {} END::bigint",
        sum_of(IN_CHOICES),
        sum_of(IN_OUTPUT),
        sum_of(ELSEWHERE),
    )
}

fn sum_of(paths: &[&str]) -> String {
    let lengths: Vec<String> =
        paths.iter().map(|path| format!("jsonb_array_length(jsonb_path_query_array(s.response, '{path}'))")).collect();
    lengths.join(" + ")
}

/// SQL of whether [`count`] counted rather than inferred. A failed request without a response called nothing.
pub(super) fn exact(status: &str) -> String {
    format!("(s.call_type IN ('call_mcp_tool', 'aembedding', 'embedding') OR NOT {NO_CONTENT} OR {status} = 'failure')")
}

/// Names in the places of [`IN_CHOICES`].
const NAMES_IN_CHOICES: &[&str] =
    &["$.choices[*].message.tool_calls[*].function.name", "$.choices[*].message.function_call.name"];

/// Names in the places of [`IN_OUTPUT`].
const NAMES_IN_OUTPUT: &[&str] =
    &[r#"$.output[*] ? (@.type == "function_call" || @.type == "mcp_call" || @.type == "custom_tool_call").name"#];

/// Names in the places of [`ELSEWHERE`].
const NAMES_ELSEWHERE: &[&str] = &[
    r#"$.content[*] ? (@.type == "tool_use" || @.type == "server_tool_use" || @.type == "mcp_tool_use").name"#,
    "$.candidates[*].content.parts[*].functionCall.name",
    "$.tool_calls[*].function.name",
    "$.tool_calls[*].name",
];

/// The index's names of one request, of its rows `t`.
const INDEXED: &str = r#"array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '')"#;

/// SQL of the distinct names of the called tools; NULL where none is known. The index has them even of responses that were
/// not stored; where it has none, they are in the response, or the request called an MCP tool through the proxy.
pub(super) fn names(schema: &Schema) -> String {
    if has_names(schema) {
        let indexed = format!(r#"(SELECT {INDEXED} FROM "{TOOL_INDEX}" t WHERE t.request_id = s.request_id)"#);
        with_read(schema, &indexed)
    } else {
        with_read(schema, "NULL::text[]")
    }
}

/// As [`names`], with the index's names from [`push_join`].
pub(super) fn names_joined(schema: &Schema) -> String {
    with_read(schema, if has_names(schema) { "ti.tools" } else { "NULL::text[]" })
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

fn with_read(schema: &Schema, indexed: &str) -> String {
    let column = if schema.has("mcp_namespaced_tool_name") { "NULLIF(s.mcp_namespaced_tool_name, '')" } else { "NULL" };
    // The column itself and not the unpacked payload: of these rows only.
    let logged = "NULLIF(s.metadata #>> '{mcp_tool_call_metadata,name}', '')";
    format!(
        "COALESCE({indexed}, CASE WHEN s.call_type = 'call_mcp_tool' \
         THEN NULLIF(array_remove(ARRAY[COALESCE({column}, {logged})], NULL), '{{}}') \
         WHEN s.call_type IN ('aembedding', 'embedding') THEN NULL \
         WHEN s.response ? 'choices' THEN {} \
         WHEN s.response ? 'output' THEN {} \
         WHEN {NO_CONTENT} THEN NULL \
         ELSE {} END)",
        names_at(NAMES_IN_CHOICES),
        names_at(NAMES_IN_OUTPUT),
        names_at(NAMES_ELSEWHERE),
    )
}

fn names_at(paths: &[&str]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| format!(r#"jsonb_path_query_array(s.response, '{path} ? (@.type() == "string" && @ != "")')"#))
        .collect();
    format!(
        "(SELECT array_agg(DISTINCT n.name COLLATE \"C\") FROM jsonb_array_elements_text({}) AS n(name))",
        names.join(" || ")
    )
}
