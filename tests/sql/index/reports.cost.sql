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
  SELECT s.started_at
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT f.started_at AT TIME ZONE 'UTC'
FROM requests AS f
ORDER BY f.started_at
LIMIT 1;

WITH
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
    (COALESCE(sum(p.prompt_tokens), 0))::bigint AS prompt_tokens,
    (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend,
    (sum(p.cached_tokens))::bigint AS cached_tokens
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
          p.dimension = 'total'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
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
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(sum(p.prompt_tokens), 0))::bigint AS prompt_tokens,
  (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
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
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'total'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
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
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY GROUPING SETS ((r.place, r.k1, r.k2), (r.place, r.k1, r.k2, p.bucket))
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'team'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT DISTINCT
  r.id,
  (SELECT l.label FROM traceability.labels l WHERE l.dimension = 'team' AND l.id = r.id)
FROM unnest($1::text[]) AS r(id);

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend,
    (sum(p.cached_tokens))::bigint AS cached_tokens
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
          p.dimension = 'agent'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'user'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'model'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'provider'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT DISTINCT
  r.id,
  (SELECT l.label FROM traceability.labels l WHERE l.dimension = 'key' AND l.id = r.id)
FROM unnest($1::text[]) AS r(id);

WITH
partials AS (
  SELECT
    p.first AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend
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
          p.dimension = 'end_user'
          AND p.level = g.level
          AND p.starts >= g.from_quarter
          AND p.starts < g.until_quarter OFFSET 0
      ) AS p
  ) AS p
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $6
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT c.value::text AS value, c.session_id
FROM (
  (
    SELECT o.cost AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $1
      AND o.session_start >= $2
      AND o.session_start < $3
      AND o.last_activity < $4
    ORDER BY o.cost DESC, o.session_id COLLATE "C" DESC
    LIMIT $5
  )
  UNION ALL
  (
    SELECT o.cost AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $6
      AND (o.active @> $7 OR o.active @> $8)
      AND o.session_start < $9
      AND NOT (o.session_start >= $10 AND o.last_activity < $11)
      AND CASE
        WHEN o.session_start >= $12
        OR o.last_activity < $13 THEN true
        ELSE (
          SELECT true
          FROM (
            SELECT s.started_at
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE e.started_at >= $14
            AND e.started_at < $15
          LIMIT 1
        ) IS NOT NULL
      END
  )
  UNION ALL
  (
    SELECT t.value, o.session_id
    FROM
      traceability.sessions o
      CROSS JOIN LATERAL (
        SELECT COALESCE(sum(e.spend::numeric), 0) AS value
        FROM (
          SELECT s.started_at, s.spend
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $16
        HAVING count(*) > 0
      ) AS t
    WHERE
      o.session_start < $17
      AND (o.last_activity >= $18)
      AND o.active && tsrange($19, $20)
      AND CASE
        WHEN (o.session_start >= $21 OR o.last_activity < $22) THEN true
        ELSE (
          SELECT true
          FROM (
            SELECT s.started_at
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE e.started_at >= $23
            AND e.started_at < $24
          LIMIT 1
        ) IS NOT NULL
      END
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $25 OFFSET $26;

WITH
requests AS (
  SELECT
    s.session_is_generated,
    s.started_at,
    s.model_group,
    s.status,
    s.total_tokens,
    s.spend,
    s.cache_hit,
    s.data_quality,
    NULL::numeric AS unbilled_cost
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
),
models AS MATERIALIZED (
  SELECT
    COALESCE(f.model_group, 'unknown') AS model,
    count(*) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend = 0) AS unpriced_requests,
    sum(f.total_tokens) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend = 0) AS unpriced_tokens,
    count(*) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend <> 0) AS priced_requests,
    count(*) FILTER (WHERE f.session_is_generated) AS without_session,
    NULL::bigint AS unbilled_requests,
    NULL::numeric AS unbilled_cost,
    count(*) FILTER (WHERE 'no_usage' = ANY(f.data_quality)) AS flag_0,
    count(*) FILTER (WHERE 'ends_before_start' = ANY(f.data_quality)) AS flag_1,
    count(*) FILTER (WHERE 'time_out_of_range' = ANY(f.data_quality)) AS flag_2,
    count(*) FILTER (WHERE 'charged_read' = ANY(f.data_quality)) AS flag_3
  FROM requests AS f
  GROUP BY 1
)
SELECT
  m.model,
  COALESCE(sum(m.unpriced_requests), 0)::bigint AS unpriced_requests,
  COALESCE(sum(m.unpriced_tokens), 0)::bigint AS unpriced_tokens,
  COALESCE(sum(m.without_session), 0)::bigint AS without_session,
  COALESCE(sum(m.unbilled_requests), NULL)::bigint AS unbilled_requests,
  COALESCE(sum(m.unbilled_cost), NULL)::numeric AS unbilled_cost,
  ARRAY[
    COALESCE(sum(m.flag_0), 0)::bigint,
    COALESCE(sum(m.flag_1), 0)::bigint,
    COALESCE(sum(m.flag_2), 0)::bigint,
    COALESCE(sum(m.flag_3), 0)::bigint
  ] AS flags
FROM models AS m
GROUP BY GROUPING SETS ((), (m.model))
HAVING GROUPING(m.model) = 1 OR (sum(m.unpriced_requests) > 0 AND sum(m.priced_requests) = 0)
ORDER BY GROUPING(m.model) DESC, unpriced_requests DESC, m.model COLLATE "C"
LIMIT $3;

WITH
requests AS (
  SELECT s.call_id, s.started_at
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT COALESCE(sum(c.requests), 0)::bigint
FROM (
  SELECT count(*) AS requests
  FROM requests AS f
  WHERE f.call_id IS NOT NULL
  GROUP BY f.call_id
  HAVING count(*) > 1
) AS c;

WITH
requests AS (
  SELECT s.started_at, s.spend, s.origin
  FROM traceability.requests s
  WHERE s.started_at >= $1 AND s.started_at < $2
)
SELECT f.origin, count(*) AS requests, COALESCE(sum(f.spend::numeric), 0) AS cost
FROM requests AS f
GROUP BY f.origin;
