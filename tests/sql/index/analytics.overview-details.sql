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
    ''::text AS k1,
    ''::text AS k2,
    p.bucket,
    (sum(p.requests))::bigint AS requests,
    (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
    (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
    (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
    (sum(p.spend))::numeric AS spend,
    (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
    (COALESCE(sum(p.streamed), 0))::bigint AS streamed,
    (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls,
    (sum(p.cached_tokens))::bigint AS cached_tokens,
    (sum(p.cached_tokens_of))::bigint AS cached_tokens_of
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
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
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
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT
        s.started_at,
        s.duration_ms,
        s.ttft_ms,
        s.status,
        s.prompt_tokens,
        s.cached_tokens,
        s.total_tokens,
        s.spend,
        s.cache_hit,
        s.tool_calls
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
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
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
  FROM (
    SELECT $11::integer AS bucket, $12::timestamp AS rolled_from, $13::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT
        s.started_at,
        s.duration_ms,
        s.ttft_ms,
        s.status,
        s.prompt_tokens,
        s.cached_tokens,
        s.total_tokens,
        s.spend,
        s.cache_hit,
        s.tool_calls
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
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(NULL, 0))::bigint AS prompt_tokens,
  (COALESCE(NULL, 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(NULL, 0))::bigint AS min_duration_ms,
  (COALESCE(NULL, 0))::bigint AS max_duration_ms,
  (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
  (COALESCE(sum(p.streamed), 0))::bigint AS streamed,
  (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  (sum(p.cached_tokens_of))::bigint AS cached_tokens_of,
  (COALESCE(NULL, 0))::bigint AS sessions,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration,
  (sum(p.ttft_ms) / NULLIF(sum(p.streamed), 0) / 1000)::float8 AS avg_ttft,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE(NULL::float8, 0) AS share_of_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
partials AS (
  SELECT p.first AS k1, ''::text AS k2, p.bucket
  FROM (
    SELECT g.bucket, g.since, p.*
    FROM
      unnest($1::smallint[], $2::integer[], $3::integer[], $4::integer[], $5::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
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
  UNION ALL
  SELECT COALESCE(f.user_id, 'unknown') AS k1, ''::text AS k2, g.bucket
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.user_id
      FROM traceability.facts s
      WHERE s.started_at >= $9
        AND s.started_at < $10 AND true
    ) AS f
  WHERE true
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT COALESCE(f.user_id, 'unknown') AS k1, ''::text AS k2, g.bucket
  FROM (
    SELECT $11::integer AS bucket, $12::timestamp AS rolled_from, $13::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.user_id
      FROM traceability.facts s
      WHERE s.started_at >= $14
        AND s.started_at < $15 AND true
    ) AS f
  WHERE true
  GROUP BY 1, 2, 3
)
SELECT p.bucket, count(DISTINCT p.k1)
FROM partials AS p
WHERE p.k1 <> 'unknown'
GROUP BY p.bucket;

SELECT
  1::bigint,
  p.bucket,
  p.durations,
  p.ttfts,
  (
    p.new_sessions + CASE
      WHEN p.returning_sessions IS NULL THEN 0
      ELSE (
        SELECT COALESCE(sum(e.element & 1099511627775), 0)
        FROM unnest(p.returning_sessions) AS e(element)
        WHERE p.starts - (e.element >> 40) < p.since
      )
    END
  )::bigint
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
) AS p;

SELECT d.k1, d.k2, d.bucket, 0 AS histogram, d.bin, count(*) AS requests
FROM (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    CASE
      WHEN f.duration_ms IS NOT NULL THEN CASE
        WHEN f.duration_ms > 0 THEN 1 + ceil(ln(f.duration_ms::float8) / ln(1.02::float8))::bigint
        ELSE 0
      END
    END AS bin
  FROM (
    SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.duration_ms
      FROM traceability.facts s
      WHERE s.started_at >= $4
        AND s.started_at < $5 AND true
    ) AS f
  WHERE true
) AS d
WHERE d.bin IS NOT NULL
GROUP BY d.k1, d.k2, d.bucket, d.bin
UNION ALL
SELECT d.k1, d.k2, d.bucket, 1 AS histogram, d.bin, count(*) AS requests
FROM (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    CASE
      WHEN f.ttft_ms IS NOT NULL THEN CASE
        WHEN f.ttft_ms > 0 THEN 1 + ceil(ln(f.ttft_ms::float8) / ln(1.02::float8))::bigint
        ELSE 0
      END
    END AS bin
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.ttft_ms
      FROM traceability.facts s
      WHERE s.started_at >= $9
        AND s.started_at < $10 AND true
    ) AS f
  WHERE true
) AS d
WHERE d.bin IS NOT NULL
GROUP BY d.k1, d.k2, d.bucket, d.bin
UNION ALL
SELECT d.k1, d.k2, d.bucket, 0 AS histogram, d.bin, count(*) AS requests
FROM (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    CASE
      WHEN f.duration_ms IS NOT NULL THEN CASE
        WHEN f.duration_ms > 0 THEN 1 + ceil(ln(f.duration_ms::float8) / ln(1.02::float8))::bigint
        ELSE 0
      END
    END AS bin
  FROM (
    SELECT $11::integer AS bucket, $12::timestamp AS rolled_from, $13::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.duration_ms
      FROM traceability.facts s
      WHERE s.started_at >= $14
        AND s.started_at < $15 AND true
    ) AS f
  WHERE true
) AS d
WHERE d.bin IS NOT NULL
GROUP BY d.k1, d.k2, d.bucket, d.bin
UNION ALL
SELECT d.k1, d.k2, d.bucket, 1 AS histogram, d.bin, count(*) AS requests
FROM (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    g.bucket,
    CASE
      WHEN f.ttft_ms IS NOT NULL THEN CASE
        WHEN f.ttft_ms > 0 THEN 1 + ceil(ln(f.ttft_ms::float8) / ln(1.02::float8))::bigint
        ELSE 0
      END
    END AS bin
  FROM (
    SELECT $16::integer AS bucket, $17::timestamp AS rolled_from, $18::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.started_at, s.ttft_ms
      FROM traceability.facts s
      WHERE s.started_at >= $19
        AND s.started_at < $20 AND true
    ) AS f
  WHERE true
) AS d
WHERE d.bin IS NOT NULL
GROUP BY d.k1, d.k2, d.bucket, d.bin;

SELECT d.k1, d.k2, d.bucket, count(*) AS sessions
FROM (
  SELECT DISTINCT ''::text AS k1, ''::text AS k2, g.bucket, f.session_id, g.rolled_from, g.rolled_until
  FROM (
    SELECT $1::integer AS bucket, $2::timestamp AS rolled_from, $3::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.session_id, s.started_at
      FROM traceability.facts s
      WHERE s.started_at >= $4
        AND s.started_at < $5 AND true
    ) AS f
  WHERE true
  UNION
  SELECT DISTINCT ''::text AS k1, ''::text AS k2, g.bucket, f.session_id, g.rolled_from, g.rolled_until
  FROM (
    SELECT $6::integer AS bucket, $7::timestamp AS rolled_from, $8::timestamp AS rolled_until
  ) AS g
    CROSS JOIN (
      SELECT s.session_id, s.started_at
      FROM traceability.facts s
      WHERE s.started_at >= $9
        AND s.started_at < $10 AND true
    ) AS f
  WHERE true
) AS d
WHERE (
  SELECT true
  FROM (
    SELECT s.started_at
    FROM
      traceability.facts s
      JOIN traceability.sessions b ON b.session_id = s.session_id
      AND s.started_at >= b.session_start
      AND s.started_at <= b.last_activity
    WHERE b.session_id = d.session_id
      AND true
  ) AS f
  WHERE
    true
    AND f.started_at >= d.rolled_from
    AND f.started_at < d.rolled_until
    AND ''::text = d.k1
    AND ''::text = d.k2
  LIMIT 1
) IS NULL
GROUP BY 1, 2, 3;
