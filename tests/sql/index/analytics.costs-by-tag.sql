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
    COALESCE(tag.name, 'untagged') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM (
    SELECT s.started_at, s.user_id, s.total_tokens, s.spend, s.tags
    FROM traceability.facts s
    WHERE s.started_at >= $1
      AND s.started_at < $2 AND true
  ) AS f
    LEFT JOIN LATERAL (
      SELECT DISTINCT j.value #>> '{}' AS name
      FROM jsonb_array_elements(f.tags) AS j(value)
      WHERE jsonb_typeof(j.value) = 'string'
    ) AS tag ON true
  WHERE true AND COALESCE(f.user_id, 'unknown') = $3
  GROUP BY 1, 2, 3
),
whole AS (
  SELECT sum(p.spend) AS spend
  FROM (
    SELECT ''::text AS k1, ''::text AS k2, p.bucket, (sum(p.spend))::numeric AS spend
    FROM (
      SELECT g.bucket, g.since, p.*
      FROM
        unnest($4::smallint[], $5::integer[], $6::integer[], $7::integer[], $8::integer[]) AS g(level, from_quarter, until_quarter, bucket, since)
        CROSS JOIN LATERAL (
          SELECT p.*
          FROM traceability.rollups AS p
          WHERE
            p.dimension = 'user'
            AND p.level = g.level
            AND p.starts >= g.from_quarter
            AND p.starts < g.until_quarter
            AND p.first = $9 OFFSET 0
        ) AS p
    ) AS p
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
      ''::text AS k1,
      ''::text AS k2,
      g.bucket,
      (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
    FROM (
      SELECT $10::integer AS bucket, $11::timestamp AS rolled_from, $12::timestamp AS rolled_until
    ) AS g
      CROSS JOIN (
        SELECT s.started_at, s.user_id, s.spend
        FROM traceability.facts s
        WHERE s.started_at >= $13
          AND s.started_at < $14 AND true
      ) AS f
    WHERE true
      AND COALESCE(f.user_id, 'unknown') = $15
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
      ''::text AS k1,
      ''::text AS k2,
      g.bucket,
      (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
    FROM (
      SELECT $16::integer AS bucket, $17::timestamp AS rolled_from, $18::timestamp AS rolled_until
    ) AS g
      CROSS JOIN (
        SELECT s.started_at, s.user_id, s.spend
        FROM traceability.facts s
        WHERE s.started_at >= $19
          AND s.started_at < $20 AND true
      ) AS f
    WHERE true
      AND COALESCE(f.user_id, 'unknown') = $21
    GROUP BY 1, 2, 3
  ) AS p
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $22
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(NULL, 0))::bigint AS failed_requests,
  (COALESCE(NULL, 0))::bigint AS cache_hits,
  (COALESCE(NULL, 0))::bigint AS prompt_tokens,
  (COALESCE(NULL, 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
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
  COALESCE(
    LEAST(
      GREATEST(round(100 * sum(p.spend) / NULLIF((SELECT whole.spend FROM whole), 0), 2), 0),
      100
    )::float8,
    0
  ) AS share_of_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
