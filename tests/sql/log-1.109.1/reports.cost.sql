WITH
requests AS (
  SELECT s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT f.started_at AT TIME ZONE 'UTC'
FROM requests AS f
ORDER BY f.started_at
LIMIT 1;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
    (COALESCE(sum(f.prompt_tokens), 0))::bigint AS prompt_tokens,
    (COALESCE(sum(f.completion_tokens), 0))::bigint AS completion_tokens,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
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
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(sum(p.prompt_tokens), 0))::bigint AS prompt_tokens,
  (COALESCE(sum(p.completion_tokens), 0))::bigint AS completion_tokens,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    width_bucket(f.started_at, $3::timestamp[]) AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
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
  LIMIT $4
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  p.bucket - 1 AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY GROUPING SETS ((r.place, r.k1, r.k2), (r.place, r.k1, r.k2, p.bucket))
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    NULLIF(s.team_id, '') AS team_id,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.team_id, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT DISTINCT
  r.id,
  (SELECT NULLIF(l.team_alias, '') FROM "LiteLLM_TeamTable" l WHERE l.team_id = r.id)
FROM unnest($1::text[]) AS r(id);

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    COALESCE(
      NULLIF(p.metadata #>> '{spend_logs_metadata,agent_name}', ''),
      NULLIF(p.metadata ->> 'agent_name', ''),
      NULLIF(p.proxy_server_request #>> '{metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{metadata,requester_metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{litellm_metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{litellm_metadata,requester_metadata,agent_name}', ''),
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
      NULLIF((SELECT a.agent_name FROM "LiteLLM_AgentsTable" a WHERE a.agent_id = s.agent_id), ''),
      NULLIF(CASE WHEN s.custom_llm_provider = 'a2a_agent' THEN substr(s.model, 11) END, ''),
      NULLIF(s.agent_id, ''),
      NULLIF(
        substr(
          jsonb_path_query_first(s.request_tags, '$[*] ? (@ starts with "agent:" && @ != "agent:")') #>> '{}',
          7
        ),
        ''
      )
    ) AS agent_name,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
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
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT
        s.metadata || '{}'::jsonb AS metadata,
        s.proxy_server_request || '{}'::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.agent_name, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (sum(f.cached_tokens))::bigint AS cached_tokens
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (sum(p.cached_tokens))::bigint AS cached_tokens,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    NULLIF(s."user", '') AS user_id,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.user_id, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

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
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.model_group, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    NULLIF(s.custom_llm_provider, '') AS provider,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.provider, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE
      WHEN (
        octet_length(s.api_key) = 64
        AND s.api_key !~ '[^0-9A-Fa-f]'
        OR s.api_key IN ('litellm_proxy_master_key', 'litellm-internal-health-check')
      ) THEN s.api_key::text
      WHEN s.api_key <> '' THEN encode(sha256(convert_to(s.api_key, 'UTF8')), 'hex')
    END AS api_key_hash,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.api_key_hash, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT DISTINCT
  r.id,
  (SELECT NULLIF(l.key_alias, '') FROM "LiteLLM_VerificationToken" l WHERE l.token = r.id)
FROM unnest($1::text[]) AS r(id);

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    NULLIF(s.end_user, '') AS end_user,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.end_user, 'unknown') AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
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
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
c AS MATERIALIZED (SELECT DISTINCT f.session_id FROM requests AS f)
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
    WHERE e.started_at < $3
    HAVING count(*) > 0
  ) AS t
ORDER BY t.value DESC, c.session_id COLLATE "C" DESC
LIMIT $4 OFFSET $5;

WITH
requests AS (
  SELECT
    (NULLIF(s.session_id, '') IS NULL) AS session_is_generated,
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
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit,
    NULLIF(
      array_remove(
        ARRAY[
          CASE
            WHEN CASE
              WHEN s.total_tokens = 0
              AND s.prompt_tokens = 0
              AND s.completion_tokens = 0
              AND s.spend = 0
              AND s.call_type <> 'call_mcp_tool'
              AND s.call_type !~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
              AND COALESCE(lower(s.cache_hit) <> 'true', true)
              AND s.status IS DISTINCT FROM 'failure' THEN COALESCE(
                s.response @? '$.choices[*] ? (@.type() == "object")'
                OR s.response @? '$.output[*] ? (@.type() == "object")'
                OR s.response @? '$.content[*] ? (@.type() == "object")'
                OR s.response @? '$.candidates[*] ? (@.type() == "object")'
                OR s.response @? '$.outputs[*] ? (@.type() == "object")'
                OR s.response @? '$.steps[*] ? (@.type() == "object")',
                false
              )
              ELSE false
            END THEN 'no_usage'
          END,
          CASE WHEN (s."endTime" < s."startTime") THEN 'ends_before_start' END,
          CASE
            WHEN COALESCE(
              s."startTime" < '1970-01-01'
              OR s."startTime" >= '10000-01-01'
              OR s."endTime" < '1970-01-01'
              OR s."endTime" >= '10000-01-01'
              OR s."completionStartTime" < '1970-01-01'
              OR s."completionStartTime" >= '10000-01-01',
              false
            ) THEN 'time_out_of_range'
          END,
          CASE
            WHEN (
              CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
              AND CASE
                WHEN s.request_id ~ '_(batch|background|video|guardrail)_cost$' THEN 'user'
                WHEN s.api_key IN (
                  'litellm-internal-health-check',
                  '2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a'
                )
                OR s.team_id = 'litellm-internal-health-check'
                OR s.metadata ->> 'internal_call_origin' <> '' THEN 'internal'
                WHEN s.call_type ~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
                AND NOT (
                  s.call_type IN ('aretrieve_batch', 'retrieve_batch')
                  AND CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
                ) THEN 'read'
                ELSE 'user'
              END = 'read'
            ) THEN 'charged_read'
          END
        ]::text[],
        NULL
      ),
      '{}'
    ) AS data_quality,
    CASE
      WHEN s.spend = 0
      AND jsonb_typeof(s.metadata #> '{cost_breakdown,total_cost}') = 'number' THEN LEAST(GREATEST((s.metadata #>> '{cost_breakdown,total_cost}')::numeric, 0), 1e12)
    END AS unbilled_cost
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
models AS MATERIALIZED (
  SELECT
    COALESCE(f.model_group, 'unknown') AS model,
    count(*) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend = 0) AS unpriced_requests,
    sum(f.total_tokens) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend = 0) AS unpriced_tokens,
    count(*) FILTER (WHERE f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0 AND f.spend <> 0) AS priced_requests,
    count(*) FILTER (WHERE f.session_is_generated) AS without_session,
    count(*) FILTER (
      WHERE f.status = 'success'
        AND NOT f.cache_hit AND f.total_tokens > 0 AND f.unbilled_cost > 0
    ) AS unbilled_requests,
    sum(f.unbilled_cost) FILTER (
      WHERE f.status = 'success'
        AND NOT f.cache_hit AND f.total_tokens > 0 AND f.unbilled_cost > 0
    ) AS unbilled_cost,
    count(*) FILTER (WHERE 'no_usage' = ANY(f.data_quality)) AS flag_0,
    count(*) FILTER (WHERE 'ends_before_start' = ANY(f.data_quality)) AS flag_1,
    count(*) FILTER (WHERE 'time_out_of_range' = ANY(f.data_quality)) AS flag_2,
    count(*) FILTER (WHERE 'charged_read' = ANY(f.data_quality)) AS flag_3
  FROM requests AS f
  GROUP BY 1
)
SELECT
  m.model,
  COALESCE(sum(m.unpriced_requests), 0)::bigint AS unpriced_requests,
  COALESCE(sum(m.unpriced_tokens), 0)::bigint AS unpriced_tokens,
  COALESCE(sum(m.without_session), 0)::bigint AS without_session,
  COALESCE(sum(m.unbilled_requests), 0)::bigint AS unbilled_requests,
  COALESCE(sum(m.unbilled_cost), 0)::numeric AS unbilled_cost,
  ARRAY[
    COALESCE(sum(m.flag_0), 0)::bigint,
    COALESCE(sum(m.flag_1), 0)::bigint,
    COALESCE(sum(m.flag_2), 0)::bigint,
    COALESCE(sum(m.flag_3), 0)::bigint
  ] AS flags
FROM models AS m
GROUP BY GROUPING SETS ((), (m.model))
HAVING GROUPING(m.model) = 1 OR (sum(m.unpriced_requests) > 0 AND sum(m.priced_requests) = 0)
ORDER BY GROUPING(m.model) DESC, unpriced_requests DESC, m.model COLLATE "C"
LIMIT $3;

WITH
requests AS (
  SELECT NULLIF(s.litellm_call_id, '') AS call_id, s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT COALESCE(sum(c.requests), 0)::bigint
FROM (
  SELECT count(*) AS requests
  FROM requests AS f
  WHERE f.call_id IS NOT NULL
  GROUP BY f.call_id
  HAVING count(*) > 1
) AS c;

WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    CASE
      WHEN s.request_id ~ '_(batch|background|video|guardrail)_cost$' THEN 'user'
      WHEN s.api_key IN (
        'litellm-internal-health-check',
        '2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a'
      )
      OR s.team_id = 'litellm-internal-health-check'
      OR s.metadata ->> 'internal_call_origin' <> '' THEN 'internal'
      WHEN s.call_type ~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
      AND NOT (
        s.call_type IN ('aretrieve_batch', 'retrieve_batch')
        AND CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
      ) THEN 'read'
      ELSE 'user'
    END AS origin
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT f.origin, count(*) AS requests, COALESCE(sum(f.spend::numeric), 0) AS cost
FROM requests AS f
GROUP BY f.origin;
