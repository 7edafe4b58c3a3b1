WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE
      WHEN s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN GREATEST(s."endTime", timestamp '1970-01-01 00:00:00')
      ELSE LEAST(
        GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      )
    END AS ended_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT count(*)
FROM
  (SELECT 1 FROM requests AS f WHERE GREATEST(f.ended_at, f.started_at) >= $3 LIMIT $4) AS c;

WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    NULLIF(s.litellm_call_id, '') AS call_id,
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    s."startTime" AS started_at,
    CASE
      WHEN s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN GREATEST(s."endTime", timestamp '1970-01-01 00:00:00')
      ELSE LEAST(
        GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      )
    END AS ended_at,
    COALESCE(
      CASE WHEN s.request_duration_ms >= 0 THEN s.request_duration_ms::bigint END,
      CASE
        WHEN s."endTime" > s."startTime"
        AND s."startTime" >= timestamp '1970-01-01 00:00:00'
        AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
        ELSE 0
      END
    ) AS duration_ms,
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
    NULLIF(s."user", '') AS user_id,
    NULLIF(s.end_user, '') AS end_user,
    NULLIF(s.team_id, '') AS team_id,
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
    NULLIF(s.custom_llm_provider, '') AS provider,
    NULLIF(s.call_type, '') AS call_type,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit,
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT
  f.request_id,
  f.call_id AS litellm_call_id,
  f.session_id,
  COALESCE(f.user_id, 'unknown') AS user_id,
  f.end_user,
  f.team_id,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.provider,
  f.call_type,
  f.status,
  f.started_at AT TIME ZONE 'UTC' AS request_start,
  f.ended_at AT TIME ZONE 'UTC' AS request_end,
  f.duration_ms / 1000.0::float8 AS total_time,
  f.ttft_ms / 1000.0::float8 AS time_to_first_token,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  f.cache_hit,
  ARRAY(
    SELECT DISTINCT j.value #>> '{}'
    FROM jsonb_array_elements(f.tags) AS j(value)
    WHERE jsonb_typeof(j.value) = 'string'
    ORDER BY 1
  ) AS tags
FROM requests AS f
WHERE GREATEST(f.ended_at, f.started_at) >= $3
ORDER BY f.started_at ASC, f.request_id ASC
LIMIT $4 OFFSET $5;
