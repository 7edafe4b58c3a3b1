WITH
requests AS (
  SELECT s.request_id AS session_id, s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
s AS MATERIALIZED (
  SELECT t.cost, t.duration, t.requests
  FROM
    (SELECT DISTINCT f.session_id FROM requests AS f) AS c
    CROSS JOIN LATERAL (
      SELECT
        COALESCE(sum(e.spend::numeric), 0) AS cost,
        count(*)::numeric AS requests,
        EXTRACT(EPOCH FROM max(GREATEST(e.ended_at, e.started_at)) - min(e.started_at))::numeric AS duration,
        min(e.started_at) AS started_at
      FROM (
        SELECT
          LEAST(
            GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
            timestamp '9999-12-31 23:59:59.999'
          ) AS started_at,
          CASE
            WHEN s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN GREATEST(s."endTime", timestamp '1970-01-01 00:00:00')
            ELSE LEAST(
              GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
              timestamp '9999-12-31 23:59:59.999'
            )
          END AS ended_at,
          CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
        FROM "LiteLLM_SpendLogs" s
        WHERE s.request_id = c.session_id
      ) AS e
    ) AS t
  WHERE t.started_at >= $3 AND t.started_at < $4
)
SELECT
  ARRAY[NULL, NULL, NULL]::integer[] AS ranges,
  count(*) AS sessions,
  ARRAY[avg(s.cost)::float8, avg(s.duration)::float8, avg(s.requests)::float8] AS avg,
  ARRAY[max(s.cost)::float8, max(s.duration)::float8, max(s.requests)::float8] AS max,
  percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.cost::float8) AS cost,
  percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.duration::float8) AS duration,
  percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.requests::float8) AS requests
FROM s
UNION ALL
SELECT
  ARRAY[b.cost_range, b.duration_range, b.requests_range],
  count(*),
  '{}',
  '{}',
  NULL,
  NULL,
  NULL
FROM (
  SELECT
    CASE
      WHEN s.cost <= 0 THEN 0
      ELSE 1 + width_bucket(
        s.cost,
        ARRAY[
          1e-4,
          2e-4,
          5e-4,
          1e-3,
          2e-3,
          5e-3,
          1e-2,
          2e-2,
          5e-2,
          1e-1,
          2e-1,
          5e-1,
          1e0,
          2e0,
          5e0,
          1e1,
          2e1,
          5e1,
          1e2,
          2e2,
          5e2,
          1e3,
          2e3,
          5e3
        ]::numeric[]
      )
    END AS cost_range,
    CASE
      WHEN s.duration <= 0 THEN 0
      ELSE 1 + width_bucket(
        s.duration,
        ARRAY[
          1e-1,
          2e-1,
          5e-1,
          1e0,
          2e0,
          5e0,
          1e1,
          2e1,
          5e1,
          1e2,
          2e2,
          5e2,
          1e3,
          2e3,
          5e3,
          1e4,
          2e4,
          5e4,
          1e5,
          2e5,
          5e5,
          1e6,
          2e6,
          5e6
        ]::numeric[]
      )
    END AS duration_range,
    CASE
      WHEN s.requests <= 0 THEN 0
      ELSE 1 + width_bucket(
        s.requests,
        ARRAY[1e0, 2e0, 5e0, 1e1, 2e1, 5e1, 1e2, 2e2, 5e2, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4]::numeric[]
      )
    END AS requests_range
  FROM s
) AS b
GROUP BY GROUPING SETS ((b.cost_range), (b.duration_range), (b.requests_range));
