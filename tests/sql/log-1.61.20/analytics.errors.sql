WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
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
    CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
    NULLIF(p.metadata #>> '{error_information,error_class}', '') AS error_class,
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
    COALESCE(f.error_class, 'unknown') AS k1,
    COALESCE(f.model_group, 'unknown') AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  WHERE f.status = 'failure'
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
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;
