//! Counting tool calls as calls.
//!
//! The text `tool_calls` stands in every chat response, as `null`, so a search for the text counts nearly every row.
//! The calls themselves lie in a place of their own in each response shape. Where the content was not stored, LiteLLM's
//! index still has the *names* of the called tools, once per request: a lower bound, reported as such.

use super::probe::{Schema, TOOL_INDEX};

/// Where each response shape keeps its calls. The type filter is needed because `[*]` turns a `null` into one item.
const PATHS: [&str; 6] = [
    // Chat completions, and what LiteLLM converts to them (Anthropic, Gemini, assembled streams).
    r#"$.choices[*].message.tool_calls[*] ? (@.type() == "object")"#,
    // Functions, the predecessor of tools.
    r#"$.choices[*].message.function_call ? (@.type() == "object")"#,
    // Responses API.
    r#"$.output[*] ? (@.type == "function_call" || @.type == "mcp_call" || @.type == "custom_tool_call")"#,
    // Anthropic's own blocks, in pass-through responses.
    r#"$.content[*] ? (@.type == "tool_use" || @.type == "server_tool_use" || @.type == "mcp_tool_use")"#,
    // Realtime.
    r#"$.tool_calls[*] ? (@.type() == "object")"#,
    // Gemini's own parts, in pass-through responses.
    r#"$.candidates[*].content.parts[*].functionCall ? (@.type() == "object")"#,
];

/// The response was not stored, or redacted so far that nothing of its shape is left.
const NO_CONTENT: &str = r#"(s.response IS NULL OR s.response IN ('{}', '{"text": "redacted-by-litellm"}'))"#;

/// SQL of the number of calls. A call of an MCP tool through the proxy is one call itself.
pub(super) fn count(schema: &Schema) -> String {
    let counted: Vec<String> = PATHS
        .iter()
        .map(|path| format!("jsonb_array_length(jsonb_path_query_array(s.response, '{path}'))"))
        .collect();
    let inferred = if schema.table_has(TOOL_INDEX, "request_id") {
        format!(r#"(SELECT count(*) FROM "{TOOL_INDEX}" t WHERE t.request_id = s.request_id)"#)
    } else {
        "0".into()
    };
    // Embeddings never call a tool, and their vectors are the largest responses of all: not worth unpacking.
    format!(
        "CASE WHEN s.call_type = 'call_mcp_tool' THEN 1 \
         WHEN s.call_type IN ('aembedding', 'embedding') THEN 0 \
         WHEN {NO_CONTENT} THEN {inferred} \
         ELSE {} END::bigint",
        counted.join(" + ")
    )
}

/// SQL of whether [`count`] counted rather than inferred. A failed request without a response called nothing.
pub(super) fn exact(status: &str) -> String {
    format!(
        "(s.call_type IN ('call_mcp_tool', 'aembedding', 'embedding') OR NOT {NO_CONTENT} OR {status} = 'failure')"
    )
}
