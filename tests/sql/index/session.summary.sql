SELECT
  s.as_of,
  s.rolled_until,
  ARRAY(SELECT quarter FROM traceability.stale ORDER BY quarter) AS stale,
  s.rollup_levels AS levels
FROM traceability.state s
WHERE
  s.ready
  AND COALESCE(
    (
      SELECT m.success
        AND m.checksum = $1
      FROM traceability.migrations m
      ORDER BY m.version DESC
      LIMIT 1
    ),
    false
  );

SELECT
  o.session_id,
  o.requests::bigint AS total_messages,
  o.session_start AT TIME ZONE 'UTC' AS session_start,
  o.last_activity AT TIME ZONE 'UTC' AS last_activity,
  o.duration::float8 AS total_duration_seconds,
  o.total_tokens::bigint AS total_tokens,
  o.cost::float8 AS total_cost,
  o.tool_calls AS function_calls_count,
  o.failed_requests AS failed_requests,
  array_remove(o.users, '') AS users,
  array_remove(o.agents, '') AS agents,
  o.user_id AS user_id,
  o.agent_name AS agent_name,
  o.conversation_name AS conversation_name,
  o.session_end AT TIME ZONE 'UTC' AS session_end,
  o.busy_seconds AS busy_seconds,
  o.prompt_tokens AS prompt_tokens,
  o.completion_tokens AS completion_tokens,
  o.cached_tokens AS cached_tokens,
  o.avg_response_time AS avg_response_time,
  o.p50_response_time AS p50_response_time,
  o.p95_response_time AS p95_response_time,
  o.function_calls_exact AS function_calls_exact,
  o.cache_hit_rate AS cache_hit_rate,
  o.models_used AS models_used,
  o.model_groups_used AS model_groups_used,
  o.end_users AS end_users
FROM traceability.sessions o
WHERE o.session_id = ANY($1);
