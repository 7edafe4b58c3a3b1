WITH
requests AS (
  SELECT
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    s."startTime" AS started_at,
    NULLIF(s.model, '') AS model,
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
c AS MATERIALIZED (
  SELECT DISTINCT f.session_id
  FROM requests AS f
  WHERE (COALESCE(f.model_group, 'unknown') = ANY($3) OR f.model = ANY($4))
)
SELECT t.value::text AS value, c.session_id
FROM
  c
  CROSS JOIN LATERAL (
    SELECT COALESCE(sum(e.spend::numeric), 0) AS value
    FROM (
      SELECT
        LEAST(
          GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
          timestamp '9999-12-31 23:59:59.999'
        ) AS started_at,
        CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
      FROM "LiteLLM_SpendLogs" s
      WHERE (
        (s.session_id = c.session_id AND s.session_id <> '')
        OR (NULLIF(s.session_id, '') IS NULL AND s.request_id = c.session_id)
      )
    ) AS e
    WHERE e.started_at < $5
    HAVING count(*) > 0
  ) AS t
ORDER BY t.value DESC, c.session_id COLLATE "C" DESC
LIMIT $6 OFFSET $7;
