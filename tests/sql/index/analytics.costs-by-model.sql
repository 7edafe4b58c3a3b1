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
    SELECT s.started_at, s.model_group, s.total_tokens, s.spend
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.model_group, s.total_tokens, s.spend
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
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'model'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    COALESCE(f.model_group, 'unknown') AS k1,
    ''::text AS k2,
    f.bucket,
    (count(*))::bigint AS requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
whole AS (SELECT sum(p.spend) AS spend FROM partials AS p),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE(
    LEAST(
      GREATEST(round(100 * sum(p.spend) / NULLIF((SELECT whole.spend FROM whole), 0), 2), 0),
      100
    ),
    0
  )::float8 AS share_of_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
