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
    SELECT s.started_at, s.model_group
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.model_group
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
            p.dimension = 'model'
            AND p.level = g.level
            AND p.starts >= g.from_quarter
            AND p.starts < g.until_quarter OFFSET 0
        ) AS p
    ) AS p
    GROUP BY 1
    UNION ALL
    SELECT
      COALESCE(f.model_group, 'unknown') AS value,
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
  NULL::text AS label,
  g.requests,
  g.last_seen AT TIME ZONE 'UTC' AS last_seen,
  g.last_span
FROM found AS g
ORDER BY g.requests DESC, g.value COLLATE "C"
LIMIT $16;

SELECT v.place, p.starts
FROM unnest($1::text[], $2::smallint[], $3::integer[], $4::integer[])
WITH
ORDINALITY AS v(value, level, from_slot, until_slot, place) CROSS JOIN LATERAL (
  SELECT max(p.starts) AS starts
  FROM traceability.rollups AS p
  WHERE
    p.dimension = 'model'
    AND p.level = v.level
    AND p.starts >= v.from_slot
    AND p.starts < v.until_slot
    AND p.first = v.value
) AS p;

WITH
requests AS (
  SELECT s.started_at, s.model_group
  FROM traceability.requests s
  WHERE
    s.started_at >= $1
    AND s.started_at < $2
    AND (
      s.started_at >= $3
      AND s.started_at < $4
      OR s.started_at >= $5
      AND s.started_at < $6
      OR s.started_at >= $7
      AND s.started_at < $8
      OR s.started_at >= $9
      AND s.started_at < $10
    )
)
SELECT COALESCE(f.model_group, 'unknown') AS value, max(f.started_at) AT TIME ZONE 'UTC'
FROM requests AS f
WHERE COALESCE(f.model_group, 'unknown') = ANY($11)
GROUP BY 1;
