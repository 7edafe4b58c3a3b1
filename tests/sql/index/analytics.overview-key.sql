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
    SELECT
      s.started_at,
      s.duration_ms,
      s.api_key_hash,
      s.status,
      s.total_tokens,
      s.spend,
      s.cache_hit,
      s.tool_calls
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT
      s.started_at,
      s.duration_ms,
      s.api_key_hash,
      s.status,
      s.total_tokens,
      s.spend,
      s.cache_hit,
      s.tool_calls
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
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend,
    (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls
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
          AND p.starts < g.until_quarter
          AND p.first = $16 OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    f.bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(f.tool_calls), 0))::bigint AS tool_calls
  FROM requests AS f
  WHERE COALESCE(f.api_key_hash, 'unknown') = $17
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
  LIMIT $18
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
  SELECT s.started_at, s.user_id, s.api_key_hash
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
),
partials AS (
  SELECT COALESCE(f.user_id, 'unknown') AS k1, ''::text AS k2, 1 AS bucket
  FROM requests AS f
  WHERE COALESCE(f.api_key_hash, 'unknown') = $3
  GROUP BY 1, 2, 3
)
SELECT p.bucket, count(DISTINCT p.k1)
FROM partials AS p
WHERE p.k1 <> 'unknown'
GROUP BY p.bucket;

SELECT
  ''::text AS k1,
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
        p.dimension = 'key'
        AND p.level = g.level
        AND p.starts >= g.from_quarter
        AND p.starts < g.until_quarter
        AND p.first = $6 OFFSET 0
    ) AS p
) AS p
GROUP BY 1, 2, 3;

WITH
requests AS (
  SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.session_id, s.started_at, s.api_key_hash
    FROM traceability.requests s
    WHERE s.started_at >= $4
      AND s.started_at < $5
  ) AS e
  UNION ALL
  SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until, e.*
  FROM (
    SELECT s.session_id, s.started_at, s.api_key_hash
    FROM traceability.requests s
    WHERE s.started_at >= $9
      AND s.started_at < $10
  ) AS e
),
cells AS NOT MATERIALIZED (
  SELECT DISTINCT ''::text AS k1, ''::text AS k2, f.bucket, f.session_id, f.rolled_from, f.rolled_until
  FROM requests AS f
  WHERE COALESCE(f.api_key_hash, 'unknown') = $11
)
SELECT d.k1, d.k2, d.bucket, count(*) AS sessions
FROM
  cells AS d
  LEFT JOIN LATERAL (
    SELECT true AS is_rolled
    FROM (
      SELECT s.session_id, s.started_at, s.api_key_hash
      FROM
        traceability.requests s
        JOIN traceability.sessions b ON b.session_id = s.session_id
        AND s.started_at >= b.session_start
        AND s.started_at <= b.last_activity
      WHERE b.session_id = d.session_id
    ) AS f
    WHERE
      f.started_at >= d.rolled_from
      AND f.started_at < d.rolled_until
      AND COALESCE(f.api_key_hash, 'unknown') = $12
      AND ''::text = d.k1
      AND ''::text = d.k2
    LIMIT 1
  ) AS e ON true
WHERE e.is_rolled IS NULL
GROUP BY 1, 2, 3;
