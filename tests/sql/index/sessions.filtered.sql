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

SELECT c.value::text AS value, c.session_id
FROM (
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $1
      AND o.tool_calls > 0
      AND o.failed_requests > 0
      AND o.session_start >= $2
      AND o.session_start < $3
      AND o.last_activity < $4
      AND o.names @> $5::text[]
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.agent_name, s.user_id, s.model, s.model_group, s.tags
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $6
          AND e.started_at < $7
          AND COALESCE(e.user_id, 'unknown') = $8
          AND (COALESCE(e.model_group, 'unknown') = $9 OR e.model = $10)
          AND (e.tags ? $11)
          AND COALESCE(e.agent_name, 'unknown') = $12
        LIMIT 1
      ) IS NOT NULL
    ORDER BY o.session_start DESC, o.session_id COLLATE "C" DESC
    LIMIT $13
  )
  UNION ALL
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $14
      AND o.tool_calls > 0
      AND o.failed_requests > 0
      AND (o.active @> $15 OR o.active @> $16)
      AND o.session_start < $17
      AND NOT (o.session_start >= $18 AND o.last_activity < $19)
      AND (o.names @> $20::text[]) IS TRUE
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.agent_name, s.user_id, s.model, s.model_group, s.tags
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $21
          AND e.started_at < $22
          AND COALESCE(e.user_id, 'unknown') = $23
          AND (COALESCE(e.model_group, 'unknown') = $24 OR e.model = $25)
          AND (e.tags ? $26)
          AND COALESCE(e.agent_name, 'unknown') = $27
        LIMIT 1
      ) IS NOT NULL
  )
  UNION ALL
  (
    SELECT t.value, o.session_id
    FROM
      traceability.sessions o
      CROSS JOIN LATERAL (
        SELECT EXTRACT(EPOCH FROM min(e.started_at))::numeric AS value
        FROM (
          SELECT s.started_at, s.status, s.tool_calls
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $28
        HAVING count(*) > 0
          AND bool_or(e.tool_calls > 0) = $29 AND bool_or(e.status = 'failure') = $30
      ) AS t
    WHERE
      o.session_start < $31
      AND (o.last_activity >= $32)
      AND o.active && tsrange($33, $34)
      AND o.names @> $35::text[]
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.agent_name, s.user_id, s.model, s.model_group, s.tags
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $36
          AND e.started_at < $37
          AND COALESCE(e.user_id, 'unknown') = $38
          AND (COALESCE(e.model_group, 'unknown') = $39 OR e.model = $40)
          AND (e.tags ? $41)
          AND COALESCE(e.agent_name, 'unknown') = $42
        LIMIT 1
      ) IS NOT NULL
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $43 OFFSET $44;
