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
    s.session_id,
    s.started_at,
    s.duration_ms,
    s.end_user,
    s.status,
    s.total_tokens,
    s.spend,
    s.cache_hit,
    s.tool_calls,
    s.tags
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2 AND s.session_id = ANY($3)
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(f.tool_calls), 0))::bigint AS tool_calls
  FROM requests AS f
  WHERE f.session_id = $4 AND COALESCE(f.end_user, 'unknown') = $5 AND (f.tags ?| $6::text[])
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
  LIMIT $7
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT s.session_id, s.started_at, s.user_id, s.end_user, s.tags
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2 AND s.session_id = ANY($3)
),
partials AS (
  SELECT COALESCE(f.user_id, 'unknown') AS k1, ''::text AS k2, 1 AS bucket
  FROM requests AS f
  WHERE f.session_id = $4 AND COALESCE(f.end_user, 'unknown') = $5 AND (f.tags ?| $6::text[])
  GROUP BY 1, 2, 3
)
SELECT p.bucket, count(DISTINCT p.k1)
FROM partials AS p
WHERE p.k1 <> 'unknown'
GROUP BY p.bucket;

WITH
requests AS (
  SELECT s.session_id, s.started_at, s.end_user, s.tags
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2 AND s.session_id = ANY($3)
)
SELECT d.place, d.bucket, count(*) AS number
FROM (
  SELECT DISTINCT 1::bigint AS place, 1 AS bucket, f.session_id
  FROM requests AS f
  WHERE f.session_id = $4
    AND COALESCE(f.end_user, 'unknown') = $5 AND (f.tags ?| $6::text[])
) AS d
GROUP BY d.place, d.bucket;
