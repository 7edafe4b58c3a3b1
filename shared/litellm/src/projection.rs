//! The SQL of each fact, for the schema at hand.

use traceability_core::name_paths::NamePaths;
use traceability_facts::Fact;

use super::bounds::{self, EARLIEST, LATEST};
use super::key_hash;
use super::names;
use super::probe::Schema;
use super::spend::spend;
use super::tables::KEYS;
use super::{model_map, quality, tool_calls};

/// The number of this projection. The index notes it with each row, and copies rows of another number again, as long as
/// LiteLLM's log has them: raise it whenever a fact of the same row may come out differently.
pub const PROJECTION: i16 = 3;

const START: &str = r#"s."startTime""#;
const END: &str = r#"s."endTime""#;

/// The largest number in a column of LiteLLM's: nothing that is counted can be more.
const LARGEST: i32 = i32::MAX;

/// The SQL of one fact over `s`, the log row, and `p`, its unpacked payload.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) sql: String,
    /// It reads `metadata` or `proxy_server_request`, so it needs `p`.
    pub(super) unpacks: bool,
}

/// The expressions of all facts.
pub(super) fn expressions(schema: &Schema, paths: &NamePaths) -> Vec<(Fact, Expression)> {
    Fact::ALL
        .into_iter()
        .map(|fact| {
            let sql = expression(fact, schema, paths);
            let unpacks = sql.contains("p.metadata") || sql.contains("p.proxy_server_request");
            (fact, Expression { sql, unpacks })
        })
        .collect()
}

fn expression(fact: Fact, schema: &Schema, paths: &NamePaths) -> String {
    match fact {
        Fact::CallId => column(schema, "litellm_call_id", "text"),
        Fact::SessionId if schema.has("session_id") => "COALESCE(NULLIF(s.session_id, ''), s.request_id)".into(),
        // Without sessions, each request is one of its own.
        Fact::RequestId | Fact::SessionId => "s.request_id".into(),
        Fact::SessionIsGenerated if schema.has("session_id") => "(NULLIF(s.session_id, '') IS NULL)".into(),
        Fact::SessionIsGenerated => "true".into(),
        Fact::StartedAt => bounds::within(START),
        Fact::EndedAt => ended_at(),
        Fact::DurationMs => duration_ms(schema),
        Fact::TtftMs => ttft_ms(),
        Fact::AgentName => names::agent_name(schema, &paths.agent),
        Fact::ConversationName => names::conversation_name(schema, &paths.conversation),
        Fact::UserId => r#"NULLIF(s."user", '')"#.into(),
        Fact::EndUser => "NULLIF(s.end_user, '')".into(),
        Fact::TeamId => "NULLIF(s.team_id, '')".into(),
        Fact::OrganizationId => column(schema, "organization_id", "text"),
        Fact::ApiKeyHash => key_hash::hashed("s.api_key"),
        Fact::KeyAlias => key_alias(schema),
        Fact::Model => "NULLIF(s.model, '')".into(),
        Fact::ModelGroup => model_group(),
        Fact::Provider => "NULLIF(s.custom_llm_provider, '')".into(),
        Fact::CallType => "NULLIF(s.call_type, '')".into(),
        Fact::Status => status(schema),
        Fact::ErrorClass => "NULLIF(p.metadata #>> '{error_information,error_class}', '')".into(),
        Fact::PromptTokens => "s.prompt_tokens".into(),
        Fact::CompletionTokens => "s.completion_tokens".into(),
        Fact::CachedTokens => usage(&[
            "usage_object,prompt_tokens_details,cached_tokens",
            "usage_object,cache_read_input_tokens",
            "additional_usage_values,prompt_tokens_details,cached_tokens",
            "additional_usage_values,cache_read_input_tokens",
        ]),
        Fact::ReasoningTokens => usage(&[
            "usage_object,completion_tokens_details,reasoning_tokens",
            "additional_usage_values,completion_tokens_details,reasoning_tokens",
        ]),
        Fact::TotalTokens => "s.total_tokens".into(),
        Fact::Spend => spend(),
        Fact::CacheHit => "COALESCE(lower(s.cache_hit) = 'true', false)".into(),
        Fact::ToolCalls => tool_calls::count(schema),
        Fact::ToolCallsExact => tool_calls::exact(&status(schema)),
        Fact::Tools => tool_calls::names(schema),
        Fact::Origin => quality::origin(),
        Fact::DataQuality => quality::flags(schema),
        Fact::CacheWriteTokens => usage(&[
            "usage_object,prompt_tokens_details,cache_creation_tokens",
            "usage_object,prompt_tokens_details,cache_write_tokens",
            "usage_object,cache_creation_input_tokens",
            "additional_usage_values,prompt_tokens_details,cache_creation_tokens",
            "additional_usage_values,prompt_tokens_details,cache_write_tokens",
            "additional_usage_values,cache_creation_input_tokens",
        ]),
        Fact::McpServer => mcp_server(schema),
        Fact::HasContent => has_content(schema),
        Fact::ContextWindow => model_map::context_window(),
        Fact::InputPrice => model_map::input_price(),
        Fact::CacheReadPrice => model_map::cache_read_price(),
        Fact::Tags => "CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END".into(),
    }
}

/// A text column that newer releases have, with LiteLLM's `''` for "none" as NULL.
fn column(schema: &Schema, name: &str, sql_type: &str) -> String {
    if schema.has(name) { format!("NULLIF(s.{name}, '')") } else { format!("NULL::{sql_type}") }
}

/// An end that never comes is none: the request is taken to have ended when it started.
fn ended_at() -> String {
    format!("CASE WHEN {END} <= {LATEST} THEN GREATEST({END}, {EARLIEST}) ELSE {} END", bounds::within(START))
}

/// Rows written before the column existed have it NULL, so the two times are the fallback even where it exists. A request that
/// ended before it started, or at a time out of bounds, took no time as far as these tell.
fn duration_ms(schema: &Schema) -> String {
    let derived = format!(
        "CASE WHEN {END} > {START} AND {START} >= {EARLIEST} AND {END} <= {LATEST} THEN {} ELSE 0 END",
        milliseconds(START, END)
    );
    if schema.has("request_duration_ms") {
        format!("COALESCE(CASE WHEN s.request_duration_ms >= 0 THEN s.request_duration_ms::bigint END, {derived})")
    } else {
        derived
    }
}

/// LiteLLM sets `completionStartTime` to the end of a response that was not streamed, give or take a millisecond: only
/// an earlier one is the time of a first token. It can also lie before the start, which is no time at all.
fn ttft_ms() -> String {
    let (first, end) = (bounds::within(r#"s."completionStartTime""#), bounds::within(END));
    format!(
        r#"CASE WHEN s."completionStartTime" >= {START} AND {START} >= {EARLIEST}
            AND {END} <= {LATEST} AND {end} - {first} > interval '1 millisecond' THEN {} END"#,
        milliseconds(START, &first)
    )
}

/// Whole milliseconds from one time to another, both within bounds: no more than LiteLLM's own column for them holds, 24 days,
/// so that no sum of them overflows.
fn milliseconds(from: &str, until: &str) -> String {
    format!("LEAST(trunc(EXTRACT(EPOCH FROM ({until} - {from})) * 1000), {LARGEST})::bigint")
}

/// Since 1.81 `model` carries the provider's prefix, before it did not; `model_group` is the same in all releases, but
/// pass-through requests and early failures have none.
fn model_group() -> String {
    "COALESCE(NULLIF(s.model_group, ''), \
     NULLIF(CASE WHEN s.custom_llm_provider <> '' AND starts_with(s.model, s.custom_llm_provider || '/') \
                 THEN substr(s.model, length(s.custom_llm_provider) + 2) ELSE s.model END, ''))"
        .into()
}

/// NULL is a success. Releases without the column noted failures in `metadata`.
fn status(schema: &Schema) -> String {
    let failed = if schema.has("status") { "s.status" } else { "p.metadata ->> 'status'" };
    format!("CASE WHEN {failed} = 'failure' THEN 'failure' ELSE 'success' END")
}

/// The first of these paths into `metadata` that holds a number. Anything else, or a number that no count can be, must
/// not fail the query.
fn usage(paths: &[&str]) -> String {
    let values: Vec<String> = paths
        .iter()
        .map(|path| {
            let value = format!("p.metadata #> '{{{path}}}'");
            format!(
                "CASE jsonb_typeof({value}) WHEN 'number' \
                 THEN LEAST(GREATEST(({value})::numeric, 0), {LARGEST})::bigint END"
            )
        })
        .collect();
    format!("COALESCE({})", values.join(", "))
}

/// Newer releases name server and tool in a column, `server/tool`; all of them in `metadata`.
fn mcp_server(schema: &Schema) -> String {
    let logged = "NULLIF(p.metadata #>> '{mcp_tool_call_metadata,mcp_server_name}', '')";
    if schema.has("mcp_namespaced_tool_name") {
        let named =
            "CASE WHEN s.mcp_namespaced_tool_name LIKE '_%/%' THEN split_part(s.mcp_namespaced_tool_name, '/', 1) END";
        format!("COALESCE({logged}, {named})")
    } else {
        logged.into()
    }
}

/// A value that holds nothing takes a few bytes, which PostgreSQL knows without a look at it.
fn has_content(schema: &Schema) -> String {
    let columns = ["messages", "proxy_server_request", "response"].into_iter().filter(|name| schema.has(name));
    let stored = columns.map(|name| {
        format!("(pg_column_size(s.{name}) >= 100 OR COALESCE(s.{name}, 'null') NOT IN ('null', '{{}}', '[]', '\"\"'))")
    });
    let stored: Vec<String> = stored.map(|sql| format!("COALESCE({sql}, false)")).collect();
    if stored.is_empty() { "false".into() } else { format!("({})", stored.join(" OR ")) }
}

/// The key table forgets a deleted key, the log row does not.
fn key_alias(schema: &Schema) -> String {
    let logged = "NULLIF(p.metadata ->> 'user_api_key_alias', '')";
    if schema.table_has(KEYS, "key_alias") {
        let hash = key_hash::hashed("s.api_key");
        format!(r#"COALESCE((SELECT NULLIF(k.key_alias, '') FROM "{KEYS}" k WHERE k.token = {hash}), {logged})"#)
    } else {
        logged.into()
    }
}
