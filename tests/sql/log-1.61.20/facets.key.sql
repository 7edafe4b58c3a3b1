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
    END AS api_key_hash
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
found AS (
  SELECT
    COALESCE(f.api_key_hash, 'unknown') AS value,
    count(*) AS requests,
    max(f.started_at) AS last_seen,
    NULL::integer AS last_span
  FROM requests AS f
  GROUP BY 1
)
SELECT
  g.value,
  (
    SELECT NULLIF(l.key_alias, '')
    FROM "LiteLLM_VerificationToken" l
    WHERE l.token = g.value
  ) AS label,
  g.requests,
  g.last_seen AT TIME ZONE 'UTC' AS last_seen,
  g.last_span
FROM found AS g
WHERE (
  starts_with(lower(g.value COLLATE "default"), lower($3))
  OR starts_with(
    lower(
      (
        SELECT NULLIF(l.key_alias, '')
        FROM "LiteLLM_VerificationToken" l
        WHERE l.token = g.value
      ) COLLATE "default"
    ),
    lower($4)
  )
)
ORDER BY g.requests DESC, g.value COLLATE "C"
LIMIT $5;
