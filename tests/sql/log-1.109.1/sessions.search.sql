WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    s."startTime" AS started_at,
    NULLIF(s.end_user, '') AS end_user,
    NULLIF(s.team_id, '') AS team_id
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT f.session_id, f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at
FROM requests AS f
WHERE COALESCE(f.end_user, 'unknown') = $3 AND COALESCE(f.team_id, 'unknown') = $4
ORDER BY f.started_at DESC, f.request_id DESC
LIMIT $5;
