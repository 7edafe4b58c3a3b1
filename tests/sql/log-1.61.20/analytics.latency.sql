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
    CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
    COALESCE(
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,prompt_tokens_details,cached_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{usage_object,prompt_tokens_details,cached_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,cache_read_input_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{usage_object,cache_read_input_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,prompt_tokens_details,cached_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{additional_usage_values,prompt_tokens_details,cached_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,cache_read_input_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{additional_usage_values,cache_read_input_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END
    ) AS cached_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(min(f.duration_ms), 0))::bigint AS min_duration_ms,
    (COALESCE(max(f.duration_ms), 0))::bigint AS max_duration_ms,
    (COALESCE(sum(f.ttft_ms), 0))::bigint AS ttft_ms,
    (count(f.ttft_ms))::bigint AS streamed,
    (sum(f.cached_tokens))::bigint AS cached_tokens,
    (
      sum(
        CASE
          WHEN f.cached_tokens > f.prompt_tokens THEN GREATEST(f.prompt_tokens, 0) + f.cached_tokens
          ELSE f.prompt_tokens
        END
      ) FILTER (WHERE f.cached_tokens IS NOT NULL)
    )::bigint AS cached_tokens_of
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
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(min(p.min_duration_ms), 0))::bigint AS min_duration_ms,
  (COALESCE(max(p.max_duration_ms), 0))::bigint AS max_duration_ms,
  (COALESCE(sum(p.ttft_ms), 0))::bigint AS ttft_ms,
  (COALESCE(sum(p.streamed), 0))::bigint AS streamed,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  (sum(p.cached_tokens_of))::bigint AS cached_tokens_of,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration,
  (sum(p.ttft_ms) / NULLIF(sum(p.streamed), 0) / 1000)::float8 AS avg_ttft
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT s.request_id AS session_id, s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT d.place, d.bucket, count(*) AS number
FROM (SELECT DISTINCT 1::bigint AS place, 1 AS bucket, f.session_id FROM requests AS f) AS d
GROUP BY d.place, d.bucket;

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
    END AS ttft_ms
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT
  1::bigint AS place,
  1 AS bucket,
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.duration_ms),
  percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.ttft_ms)
FROM requests AS f
GROUP BY 1, 2;
