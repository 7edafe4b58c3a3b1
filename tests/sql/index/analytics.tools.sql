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
    SELECT s.started_at, s.duration_ms, s.status, s.total_tokens, s.spend, s.tools
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.duration_ms, s.status, s.total_tokens, s.spend, s.tools
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
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend,
    (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms
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
          p.dimension = 'tool'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    tool.name AS k1,
    ''::text AS k2,
    f.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms
  FROM requests AS f CROSS JOIN LATERAL unnest(f.tools) AS tool(name)
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT
  p.first AS k1,
  ''::text AS k2,
  p.bucket,
  sum(
    p.new_sessions + CASE
      WHEN p.returning_sessions IS NULL THEN 0
      ELSE (
        SELECT COALESCE(sum(e.element & 1099511627775), 0)
        FROM unnest(p.returning_sessions) AS e(element)
        WHERE p.starts - (e.element >> 40) < p.since
      )
    END
  )::bigint AS sessions
FROM (
  SELECT g.bucket, g.since, p.*
  FROM (
    SELECT *
    FROM
      unnest($1::smallint[], $2::integer[], $3::integer[], $4::integer[], $5::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
  ) AS g
    CROSS JOIN LATERAL (
      SELECT p.*
      FROM traceability.rollups AS p
      WHERE
        p.dimension = 'tool'
        AND p.level = g.level
        AND p.starts >= g.from_quarter
        AND p.starts < g.until_quarter OFFSET 0
    ) AS p OFFSET 0
) AS p
  JOIN unnest($6::text[], $7::text[])
WITH ORDINALITY AS r(k1, k2, place) ON r.k1 = p.first AND r.k2 = ''::text
GROUP BY 1, 2, 3;

WITH
requests AS (
  SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.session_id, s.started_at, s.tools
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.session_id, s.started_at, s.tools
    FROM traceability.requests s
    WHERE s.started_at >= $9
      AND s.started_at < $10
  ) AS e
),
cells AS NOT MATERIALIZED (
  SELECT DISTINCT tool.name AS k1, ''::text AS k2, f.bucket, f.session_id, f.rolled_from, f.rolled_until
  FROM requests AS f CROSS JOIN LATERAL unnest(f.tools) AS tool(name)
)
SELECT d.k1, d.k2, d.bucket, count(*) AS sessions
FROM (
  SELECT u.k1, u.k2, u.bucket
  FROM (
    SELECT d.k1, d.k2, d.bucket, d.session_id, false AS is_rolled
    FROM cells AS d
    UNION ALL
    SELECT e.k1, e.k2, d.bucket, d.session_id, true
    FROM
      (SELECT DISTINCT c.session_id, c.bucket, c.rolled_from, c.rolled_until FROM cells AS c) AS d
      CROSS JOIN LATERAL (
        SELECT tool.name AS k1, ''::text AS k2
        FROM
          (
            SELECT s.session_id, s.started_at, s.tools
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = d.session_id
          ) AS f
          CROSS JOIN LATERAL unnest(f.tools) AS tool(name)
        WHERE f.started_at >= d.rolled_from
          AND f.started_at < d.rolled_until OFFSET 0
      ) AS e
  ) AS u
  GROUP BY u.k1, u.k2, u.bucket, u.session_id
  HAVING NOT bool_or(u.is_rolled)
) AS d
GROUP BY 1, 2, 3;

WITH
requests AS (
  SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.status
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.started_at, s.status
    FROM traceability.requests s
    WHERE s.started_at >= $9
      AND s.started_at < $10
  ) AS e
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests
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
    f.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests
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
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
