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

WITH
requests AS (
  SELECT
    s.request_id,
    s.call_id,
    s.started_at,
    s.ended_at,
    s.duration_ms,
    s.ttft_ms,
    s.model,
    s.model_group,
    s.provider,
    s.call_type,
    s.status,
    s.error_class,
    s.agent_name,
    s.prompt_tokens,
    s.completion_tokens,
    s.cached_tokens,
    s.total_tokens,
    s.spend,
    s.cache_hit,
    s.tool_calls,
    s.tool_calls_exact,
    s.tools
  FROM
    traceability.requests s
    JOIN traceability.sessions b ON b.session_id = s.session_id
    AND s.started_at >= b.session_start
    AND s.started_at <= b.last_activity
  WHERE b.session_id = $1
)
SELECT
  f.request_id,
  f.call_id,
  f.started_at AT TIME ZONE 'UTC' AS started_at,
  f.ended_at AT TIME ZONE 'UTC' AS ended_at,
  f.duration_ms::bigint AS duration_ms,
  f.ttft_ms::bigint AS ttft_ms,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.provider,
  f.call_type,
  f.status,
  f.error_class,
  f.agent_name,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.cached_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  (
    sum(f.spend::numeric) OVER (ORDER BY f.started_at, f.request_id ROWS UNBOUNDED PRECEDING)
  )::float8 AS running_cost,
  f.cache_hit,
  f.tool_calls,
  f.tool_calls_exact,
  COALESCE(f.tools, '{}') AS tools
FROM requests AS f
ORDER BY f.started_at, f.request_id
LIMIT $2;
