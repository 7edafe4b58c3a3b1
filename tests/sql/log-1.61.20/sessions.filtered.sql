WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    s.request_id AS session_id,
    s."startTime" AS started_at,
    COALESCE(
      NULLIF(p.metadata #>> '{spend_logs_metadata,agent_name}', ''),
      NULLIF(p.metadata ->> 'agent_name', ''),
      NULLIF(
        (
          '"' || substring(
            p.metadata ->> 'proxy_server_request'
            from
              '"agent_name"\s*:\s*"((?:[^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*)"'
          ) || '"'
        )::jsonb #>> '{}',
        ''
      ),
      NULLIF(
        substr(
          jsonb_path_query_first(s.request_tags, '$[*] ? (@ starts with "agent:" && @ != "agent:")') #>> '{}',
          7
        ),
        ''
      )
    ) AS agent_name,
    NULLIF(s."user", '') AS user_id,
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
    ) AS model_group,
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT f.session_id, f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at
FROM requests AS f
WHERE
  COALESCE(f.user_id, 'unknown') = $3
  AND (COALESCE(f.model_group, 'unknown') = $4 OR f.model = $5)
  AND (f.tags ? $6)
  AND COALESCE(f.agent_name, 'unknown') = $7
ORDER BY f.started_at DESC, f.request_id DESC
LIMIT $8;
