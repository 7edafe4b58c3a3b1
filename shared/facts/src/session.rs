//! A session's figures, over its requests.

/// SQL of the end of the last response of a session, over its requests `e`. A request that ended before it started was over at
/// its start.
#[macro_export]
macro_rules! session_end {
    () => {
        "max(GREATEST(e.ended_at, e.started_at))"
    };
}

/// SQL of the seconds from the first start to the last end.
#[macro_export]
macro_rules! session_duration {
    () => {
        concat!("EXTRACT(EPOCH FROM ", $crate::session_end!(), " - min(e.started_at))")
    };
}

/// The totals that the index keeps in a session's row for this alone: their columns, and the aggregates over the requests `e`
/// of one session that they have.
pub const SUMMARY_COLUMNS: [(&str, &str); 16] = [
    ("user_id", "COALESCE(mode() WITHIN GROUP (ORDER BY e.user_id COLLATE \"C\"), 'unknown')"),
    ("agent_name", "COALESCE(mode() WITHIN GROUP (ORDER BY e.agent_name COLLATE \"C\"), 'unknown')"),
    ("conversation_name", "COALESCE(mode() WITHIN GROUP (ORDER BY e.conversation_name COLLATE \"C\"), 'default')"),
    ("session_end", session_end!()),
    (
        "busy_seconds",
        "(SELECT COALESCE(sum(EXTRACT(EPOCH FROM upper(b.r) - lower(b.r))), 0)::float8 \
          FROM unnest(range_agg(tsrange(e.started_at, GREATEST(e.started_at, e.ended_at)))) AS b(r))",
    ),
    ("prompt_tokens", "COALESCE(sum(e.prompt_tokens), 0)::bigint"),
    ("completion_tokens", "COALESCE(sum(e.completion_tokens), 0)::bigint"),
    ("cached_tokens", "sum(e.cached_tokens)::bigint"),
    ("avg_response_time", "COALESCE(avg(e.duration_ms) / 1000, 0)::float8"),
    ("p50_response_time", "COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8"),
    ("p95_response_time", "COALESCE(percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8"),
    ("function_calls_exact", "COALESCE(bool_and(e.tool_calls_exact), true)"),
    (
        "cache_hit_rate",
        "COALESCE(round(100.0 * count(*) FILTER (WHERE e.cache_hit) / NULLIF(count(*), 0), 2), 0)::float8",
    ),
    ("models_used", "COALESCE(array_agg(DISTINCT e.model COLLATE \"C\") FILTER (WHERE e.model IS NOT NULL), '{}')"),
    (
        "model_groups_used",
        "COALESCE(array_agg(DISTINCT e.model_group COLLATE \"C\") FILTER (WHERE e.model_group IS NOT NULL), '{}')",
    ),
    ("end_users", "COALESCE(array_agg(DISTINCT e.end_user COLLATE \"C\") FILTER (WHERE e.end_user IS NOT NULL), '{}')"),
];
