SELECT
  s.as_of,
  s.rolled_until,
  ARRAY(SELECT quarter FROM traceability.stale ORDER BY quarter) AS stale,
  s.rollup_levels AS levels
FROM traceability.state s
WHERE
  s.ready
  AND COALESCE(
    (
      SELECT m.success
        AND m.checksum = $1
      FROM traceability.migrations m
      ORDER BY m.version DESC
      LIMIT 1
    ),
    false
  );

WITH
s AS MATERIALIZED (
  SELECT o.cost, o.duration, o.requests
  FROM traceability.sessions o
  WHERE o.session_start >= $1 AND o.session_start < $2
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
