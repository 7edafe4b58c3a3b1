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
    s.started_at,
    s.duration_ms,
    s.ttft_ms,
    s.model,
    s.model_group,
    s.status,
    s.prompt_tokens,
    s.cached_tokens,
    s.total_tokens,
    s.spend,
    s.tool_calls
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    width_bucket(f.started_at, $3::timestamp[]) AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(f.ttft_ms), 0))::bigint AS ttft_ms,
    (count(f.ttft_ms))::bigint AS streamed,
    (COALESCE(sum(f.tool_calls), 0))::bigint AS tool_calls,
    (sum(f.cached_tokens))::bigint AS cached_tokens,
    (
      sum(
        CASE
          WHEN f.cached_tokens > f.prompt_tokens THEN GREATEST(f.prompt_tokens, 0) + f.cached_tokens
          ELSE f.prompt_tokens
        END
      ) FILTER (WHERE f.cached_tokens IS NOT NULL)
    )::bigint AS cached_tokens_of
  FROM requests AS f
  WHERE (COALESCE(f.model_group, 'unknown') = $4 OR f.model = $5)
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  p.bucket - 1 AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
  (COALESCE(sum(p.streamed), 0))::bigint AS streamed,
  (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  (sum(p.cached_tokens_of))::bigint AS cached_tokens_of,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration,
  (sum(p.ttft_ms) / NULLIF(sum(p.streamed), 0) / 1000)::float8 AS avg_ttft
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY GROUPING SETS ((r.place, r.k1, r.k2), (r.place, r.k1, r.k2, p.bucket))
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT s.session_id, s.started_at, s.model, s.model_group
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT d.place, d.bucket, count(*) AS number
FROM (
  SELECT DISTINCT 1::bigint AS place, width_bucket(f.started_at, $3::timestamp[]) AS bucket, f.session_id
  FROM requests AS f
  WHERE (COALESCE(f.model_group, 'unknown') = $4 OR f.model = $5)
) AS d
GROUP BY d.place, d.bucket;

WITH
requests AS (
  SELECT s.started_at, s.duration_ms, s.ttft_ms, s.model, s.model_group
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT
  1::bigint AS place,
  width_bucket(f.started_at, $3::timestamp[]) AS bucket,
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.duration_ms),
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.ttft_ms)
FROM requests AS f
WHERE (COALESCE(f.model_group, 'unknown') = $4 OR f.model = $5)
GROUP BY 1, 2;
