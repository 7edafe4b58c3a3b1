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
  SELECT s.started_at, s.ended_at
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT count(*)
FROM
  (SELECT 1 FROM requests AS f WHERE GREATEST(f.ended_at, f.started_at) >= $3 LIMIT $4) AS c;

WITH
requests AS (
  SELECT
    s.request_id,
    s.call_id,
    s.session_id,
    s.started_at,
    s.ended_at,
    s.duration_ms,
    s.ttft_ms,
    s.user_id,
    s.end_user,
    s.team_id,
    s.model,
    s.model_group,
    s.provider,
    s.call_type,
    s.status,
    s.prompt_tokens,
    s.completion_tokens,
    s.total_tokens,
    s.spend,
    s.cache_hit,
    s.tags
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT
  f.request_id,
  f.call_id AS litellm_call_id,
  f.session_id,
  COALESCE(f.user_id, 'unknown') AS user_id,
  f.end_user,
  f.team_id,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.provider,
  f.call_type,
  f.status,
  f.started_at AT TIME ZONE 'UTC' AS request_start,
  f.ended_at AT TIME ZONE 'UTC' AS request_end,
  f.duration_ms / 1000.0::float8 AS total_time,
  f.ttft_ms / 1000.0::float8 AS time_to_first_token,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  f.cache_hit,
  ARRAY(
    SELECT DISTINCT j.value #>> '{}'
    FROM jsonb_array_elements(f.tags) AS j(value)
    WHERE jsonb_typeof(j.value) = 'string'
    ORDER BY 1
  ) AS tags
FROM requests AS f
WHERE GREATEST(f.ended_at, f.started_at) >= $3
ORDER BY f.started_at ASC, f.request_id ASC
LIMIT $4 OFFSET $5;
