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
    SELECT s.started_at, s.api_key_hash
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.api_key_hash
    FROM traceability.requests s
    WHERE s.started_at >= $9
      AND s.started_at < $10
  ) AS e
),
found AS (
  SELECT
    p.value,
    sum(p.requests)::bigint AS requests,
    max(p.last_seen) AS last_seen,
    max(p.last_span) AS last_span
  FROM (
    SELECT
      p.first AS value,
      sum(p.requests) AS requests,
      NULL::timestamp AS last_seen,
      max(p.starts * 8 + p.level) AS last_span
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
            p.dimension = 'key'
            AND p.level = g.level
            AND p.starts >= g.from_quarter
            AND p.starts < g.until_quarter OFFSET 0
        ) AS p
    ) AS p
    GROUP BY 1
    UNION ALL
    SELECT
      COALESCE(f.api_key_hash, 'unknown') AS value,
      count(*) AS requests,
      max(f.started_at) AS last_seen,
      NULL::integer AS last_span
    FROM requests AS f
    GROUP BY 1
  ) AS p
  GROUP BY 1
)
SELECT
  g.value,
  (SELECT l.label FROM traceability.labels l WHERE l.dimension = 'key' AND l.id = g.value) AS label,
  g.requests,
  g.last_seen AT TIME ZONE 'UTC' AS last_seen,
  g.last_span
FROM found AS g
WHERE (
  starts_with(lower(g.value COLLATE "default"), lower($16))
  OR starts_with(
    lower(
      (SELECT l.label FROM traceability.labels l WHERE l.dimension = 'key' AND l.id = g.value) COLLATE "default"
    ),
    lower($17)
  )
)
ORDER BY g.requests DESC, g.value COLLATE "C"
LIMIT $18;
