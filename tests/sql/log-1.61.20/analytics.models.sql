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
    COALESCE(
      NULLIF(s.model_group, ''),
      NULLIF(
        CASE
          WHEN s.custom_llm_provider <> ''
          AND starts_with(s.model, s.custom_llm_provider || '/') THEN substr(s.model, length(s.custom_llm_provider) + 2)
          ELSE s.model
        END,
        ''
      )
    ) AS model_group,
    NULLIF(s.custom_llm_provider, '') AS provider,
    CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.model_group, 'unknown') AS k1,
    COALESCE(f.provider, 'unknown') AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
    (COALESCE(sum(f.prompt_tokens), 0))::bigint AS prompt_tokens,
    (COALESCE(sum(f.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(min(f.duration_ms), 0))::bigint AS min_duration_ms,
    (COALESCE(max(f.duration_ms), 0))::bigint AS max_duration_ms
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
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1, r.k2] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(sum(p.prompt_tokens), 0))::bigint AS prompt_tokens,
  (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(min(p.min_duration_ms), 0))::bigint AS min_duration_ms,
  (COALESCE(max(p.max_duration_ms), 0))::bigint AS max_duration_ms,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
