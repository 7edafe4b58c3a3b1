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

SELECT count(*)
FROM (
  SELECT 1
  FROM (
    (
      SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
      FROM traceability.sessions o
      WHERE
        o.last_activity < $1
        AND o.session_start >= $2
        AND o.session_start < $3
        AND o.last_activity < $4
      ORDER BY o.session_start DESC, o.session_id COLLATE "C" DESC
      LIMIT $5
    )
    UNION ALL
    (
      SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
      FROM traceability.sessions o
      WHERE
        o.last_activity < $6
        AND (o.active @> $7 OR o.active @> $8)
        AND o.session_start < $9
        AND NOT (o.session_start >= $10 AND o.last_activity < $11)
        AND CASE
          WHEN o.session_start >= $12
          OR o.last_activity < $13 THEN true
          ELSE (
            SELECT true
            FROM (
              SELECT s.started_at
              FROM
                traceability.requests s
                JOIN traceability.sessions b ON b.session_id = s.session_id
                AND s.started_at >= b.session_start
                AND s.started_at <= b.last_activity
              WHERE b.session_id = o.session_id
            ) AS e
            WHERE e.started_at >= $14
              AND e.started_at < $15
            LIMIT 1
          ) IS NOT NULL
        END
    )
    UNION ALL
    (
      SELECT t.value, o.session_id
      FROM
        traceability.sessions o
        CROSS JOIN LATERAL (
          SELECT EXTRACT(EPOCH FROM min(e.started_at))::numeric AS value
          FROM (
            SELECT s.started_at
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE e.started_at < $16
          HAVING count(*) > 0
        ) AS t
      WHERE
        o.session_start < $17
        AND (o.last_activity >= $18)
        AND o.active && tsrange($19, $20)
        AND CASE
          WHEN (o.session_start >= $21 OR o.last_activity < $22) THEN true
          ELSE (
            SELECT true
            FROM (
              SELECT s.started_at
              FROM
                traceability.requests s
                JOIN traceability.sessions b ON b.session_id = s.session_id
                AND s.started_at >= b.session_start
                AND s.started_at <= b.last_activity
              WHERE b.session_id = o.session_id
            ) AS e
            WHERE e.started_at >= $23
              AND e.started_at < $24
            LIMIT 1
          ) IS NOT NULL
        END
    )
  ) AS c
  LIMIT $25
) AS m;

SELECT c.value::text AS value, c.session_id
FROM (
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $1
      AND o.session_start >= $2
      AND o.session_start < $3
      AND o.last_activity < $4
    ORDER BY o.session_start DESC, o.session_id COLLATE "C" DESC
    LIMIT $5
  )
  UNION ALL
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $6
      AND (o.active @> $7 OR o.active @> $8)
      AND o.session_start < $9
      AND NOT (o.session_start >= $10 AND o.last_activity < $11)
      AND CASE
        WHEN o.session_start >= $12
        OR o.last_activity < $13 THEN true
        ELSE (
          SELECT true
          FROM (
            SELECT s.started_at
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE e.started_at >= $14
            AND e.started_at < $15
          LIMIT 1
        ) IS NOT NULL
      END
  )
  UNION ALL
  (
    SELECT t.value, o.session_id
    FROM
      traceability.sessions o
      CROSS JOIN LATERAL (
        SELECT EXTRACT(EPOCH FROM min(e.started_at))::numeric AS value
        FROM (
          SELECT s.started_at
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $16
        HAVING count(*) > 0
      ) AS t
    WHERE
      o.session_start < $17
      AND (o.last_activity >= $18)
      AND o.active && tsrange($19, $20)
      AND CASE
        WHEN (o.session_start >= $21 OR o.last_activity < $22) THEN true
        ELSE (
          SELECT true
          FROM (
            SELECT s.started_at
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE e.started_at >= $23
            AND e.started_at < $24
          LIMIT 1
        ) IS NOT NULL
      END
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $25 OFFSET $26;

SELECT
  o.session_id,
  o.requests::bigint AS total_messages,
  o.session_start AT TIME ZONE 'UTC' AS session_start,
  o.last_activity AT TIME ZONE 'UTC' AS last_activity,
  o.duration::float8 AS total_duration_seconds,
  o.total_tokens::bigint AS total_tokens,
  o.cost::float8 AS total_cost,
  o.tool_calls AS function_calls_count,
  o.failed_requests AS failed_requests,
  array_remove(o.users, '') AS users,
  array_remove(o.agents, '') AS agents,
  o.user_id AS user_id,
  o.agent_name AS agent_name,
  o.conversation_name AS conversation_name,
  o.session_end AT TIME ZONE 'UTC' AS session_end,
  o.busy_seconds AS busy_seconds,
  o.prompt_tokens AS prompt_tokens,
  o.completion_tokens AS completion_tokens,
  o.cached_tokens AS cached_tokens,
  o.avg_response_time AS avg_response_time,
  o.p50_response_time AS p50_response_time,
  o.p95_response_time AS p95_response_time,
  o.function_calls_exact AS function_calls_exact,
  o.cache_hit_rate AS cache_hit_rate,
  o.models_used AS models_used,
  o.model_groups_used AS model_groups_used,
  o.end_users AS end_users
FROM traceability.sessions o
WHERE o.session_id = ANY($1);
