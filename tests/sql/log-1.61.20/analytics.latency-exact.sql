WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE
      WHEN s."endTime" > s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
      ELSE 0
    END AS duration_ms,
    CASE
      WHEN s."completionStartTime" >= s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999'
      AND LEAST(
        GREATEST(s."endTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) - LEAST(
        GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) > interval '1 millisecond' THEN LEAST(
        trunc(
          EXTRACT(
            EPOCH
            FROM (
              LEAST(
                GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
                timestamp '9999-12-31 23:59:59.999'
              ) - s."startTime"
            )
          ) * 1000
        ),
        2147483647
      )::bigint
    END AS ttft_ms,
    NULLIF(s.custom_llm_provider, '') AS provider,
    s.completion_tokens AS completion_tokens
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.provider, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
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
  LIMIT $3
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
  SELECT
    s."startTime" AS started_at,
    CASE
      WHEN s."endTime" > s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
      ELSE 0
    END AS duration_ms,
    CASE
      WHEN s."completionStartTime" >= s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999'
      AND LEAST(
        GREATEST(s."endTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) - LEAST(
        GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) > interval '1 millisecond' THEN LEAST(
        trunc(
          EXTRACT(
            EPOCH
            FROM (
              LEAST(
                GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
                timestamp '9999-12-31 23:59:59.999'
              ) - s."startTime"
            )
          ) * 1000
        ),
        2147483647
      )::bigint
    END AS ttft_ms,
    NULLIF(s.custom_llm_provider, '') AS provider
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
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
