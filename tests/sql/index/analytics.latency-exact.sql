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
  SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.duration_ms, s.ttft_ms, s.provider, s.completion_tokens
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.duration_ms, s.ttft_ms, s.provider, s.completion_tokens
    FROM traceability.requests s
    WHERE s.started_at >= $9
      AND s.started_at < $10
  ) AS e
),
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
    (min(p.min_duration_ms))::bigint AS min_duration_ms,
    (max(p.max_duration_ms))::bigint AS max_duration_ms,
    (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
    (COALESCE(sum(p.streamed), 0))::bigint AS streamed
  FROM (
    SELECT g.bucket, g.since, p.*
    FROM (
      SELECT *
      FROM
        unnest($11::smallint[], $12::integer[], $13::integer[], $14::integer[], $15::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
    ) AS g
      CROSS JOIN LATERAL (
        SELECT p.*
        FROM traceability.rollups AS p
        WHERE
          p.dimension = 'provider'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    COALESCE(f.provider, 'unknown') AS k1,
    ''::text AS k2,
    f.bucket,
    (count(*))::bigint AS requests,
    (COALESCE(sum(f.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(min(f.duration_ms), 0))::bigint AS min_duration_ms,
    (COALESCE(max(f.duration_ms), 0))::bigint AS max_duration_ms,
    (COALESCE(sum(f.ttft_ms), 0))::bigint AS ttft_ms,
    (count(f.ttft_ms))::bigint AS streamed
  FROM requests AS f
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
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(min(p.min_duration_ms), 0))::bigint AS min_duration_ms,
  (COALESCE(max(p.max_duration_ms), 0))::bigint AS max_duration_ms,
  (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
  (COALESCE(sum(p.streamed), 0))::bigint AS streamed,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration,
  (sum(p.ttft_ms) / NULLIF(sum(p.streamed), 0) / 1000)::float8 AS avg_ttft
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT s.started_at, s.duration_ms, s.ttft_ms, s.provider
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT
  r.place,
  1 AS bucket,
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.duration_ms),
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.ttft_ms)
FROM requests AS f JOIN unnest($3::text[], $4::text[])
WITH
ORDINALITY AS r(k1, k2, place) ON r.k1 = COALESCE(f.provider, 'unknown') AND r.k2 = ''::text
GROUP BY 1, 2;
