SELECT
  s.as_of,
  s.rolled_until,
  ARRAY(SELECT quarter FROM traceability.stale ORDER BY quarter) AS stale
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
partials AS (
  SELECT
    p.first AS k1,
    p.second AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (sum(p.spend))::numeric AS spend
  FROM (
    SELECT g.bucket, g.since, p.*
    FROM
      unnest($1::smallint[], $2::integer[], $3::integer[], $4::integer[], $5::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
      CROSS JOIN LATERAL (
        SELECT p.*
        FROM traceability.rollups AS p
        WHERE
          p.dimension = 'error_class,model'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    COALESCE(f.error_class, 'unknown') AS k1,
    COALESCE(f.model_group, 'unknown') AS k2,
    g.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.model_group, s.status, s.error_class, s.spend
      FROM traceability.facts s
      WHERE s.started_at >= $9
        AND s.started_at < $10 AND true
    ) AS f
  WHERE true AND f.status = 'failure'
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    COALESCE(f.error_class, 'unknown') AS k1,
    COALESCE(f.model_group, 'unknown') AS k2,
    g.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM (
    SELECT $11::integer AS bucket, $12::timestamp AS rolled_from, $13::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.model_group, s.status, s.error_class, s.spend
      FROM traceability.facts s
      WHERE s.started_at >= $14
        AND s.started_at < $15 AND true
    ) AS f
  WHERE true AND f.status = 'failure'
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
  LIMIT $16
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1, r.k2] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(NULL, 0))::bigint AS cache_hits,
  (COALESCE(NULL, 0))::bigint AS prompt_tokens,
  (COALESCE(NULL, 0))::bigint AS completion_tokens,
  (COALESCE(NULL, 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(NULL, 0))::bigint AS duration_ms,
  (COALESCE(NULL, 0))::bigint AS min_duration_ms,
  (COALESCE(NULL, 0))::bigint AS max_duration_ms,
  (COALESCE(NULL, 0))::bigint AS ttft_ms,
  (COALESCE(NULL, 0))::bigint AS streamed,
  (COALESCE(NULL, 0))::bigint AS tool_calls,
  (NULL)::bigint AS cached_tokens,
  (NULL)::bigint AS cached_tokens_of,
  (COALESCE(NULL, 0))::bigint AS sessions,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((NULL)::float8, 0) AS avg_duration,
  (NULL)::float8 AS avg_ttft,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE(NULL::float8, 0) AS share_of_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests
  FROM (
    SELECT g.bucket, g.since, p.*
    FROM
      unnest($1::smallint[], $2::integer[], $3::integer[], $4::integer[], $5::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
      CROSS JOIN LATERAL (
        SELECT p.*
        FROM traceability.rollups AS p
        WHERE
          p.dimension = 'total'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.status
      FROM traceability.facts s
      WHERE s.started_at >= $9
        AND s.started_at < $10 AND true
    ) AS f
  WHERE true
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests
  FROM (
    SELECT $11::integer AS bucket, $12::timestamp AS rolled_from, $13::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.status
      FROM traceability.facts s
      WHERE s.started_at >= $14
        AND s.started_at < $15 AND true
    ) AS f
  WHERE true
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
  LIMIT $16
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(NULL, 0))::bigint AS cache_hits,
  (COALESCE(NULL, 0))::bigint AS prompt_tokens,
  (COALESCE(NULL, 0))::bigint AS completion_tokens,
  (COALESCE(NULL, 0))::bigint AS total_tokens,
  (COALESCE(NULL, 0))::float8 AS spend,
  (COALESCE(NULL, 0))::bigint AS duration_ms,
  (COALESCE(NULL, 0))::bigint AS min_duration_ms,
  (COALESCE(NULL, 0))::bigint AS max_duration_ms,
  (COALESCE(NULL, 0))::bigint AS ttft_ms,
  (COALESCE(NULL, 0))::bigint AS streamed,
  (COALESCE(NULL, 0))::bigint AS tool_calls,
  (NULL)::bigint AS cached_tokens,
  (NULL)::bigint AS cached_tokens_of,
  (COALESCE(NULL, 0))::bigint AS sessions,
  COALESCE(NULL::numeric, 0) AS exact_spend,
  COALESCE((NULL)::float8, 0) AS avg_duration,
  (NULL)::float8 AS avg_ttft,
  COALESCE((NULL)::float8, 0) AS avg_spend,
  COALESCE(NULL::float8, 0) AS share_of_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
