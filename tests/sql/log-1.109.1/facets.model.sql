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
    ) AS model_group
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
found AS (
  SELECT
    COALESCE(f.model_group, 'unknown') AS value,
    count(*) AS requests,
    max(f.started_at) AS last_seen,
    NULL::integer AS last_span
  FROM requests AS f
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
LIMIT $3;
