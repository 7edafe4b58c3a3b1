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
      AND o.requests >= $2::numeric
      AND o.session_start >= $3
      AND o.session_start < $4
      AND o.last_activity < $5
      AND o.names @> $6::text[]
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.end_user, s.team_id
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $7
          AND e.started_at < $8
          AND COALESCE(e.end_user, 'unknown') = $9
          AND COALESCE(e.team_id, 'unknown') = $10
        LIMIT 1
      ) IS NOT NULL
    ORDER BY o.session_start DESC, o.session_id COLLATE "C" DESC
    LIMIT $11
  )
  UNION ALL
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $12
      AND o.requests >= $13::numeric
      AND (o.active @> $14 OR o.active @> $15)
      AND o.session_start < $16
      AND NOT (o.session_start >= $17 AND o.last_activity < $18)
      AND (o.names @> $19::text[]) IS TRUE
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.end_user, s.team_id
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $20
          AND e.started_at < $21
          AND COALESCE(e.end_user, 'unknown') = $22
          AND COALESCE(e.team_id, 'unknown') = $23
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
          SELECT s.started_at
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $24
        HAVING count(*) > 0
          AND count(*) >= $25
      ) AS t
    WHERE
      o.session_start < $26
      AND (o.last_activity >= $27)
      AND o.active && tsrange($28, $29)
      AND o.names @> $30::text[]
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.end_user, s.team_id
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $31
          AND e.started_at < $32
          AND COALESCE(e.end_user, 'unknown') = $33
          AND COALESCE(e.team_id, 'unknown') = $34
        LIMIT 1
      ) IS NOT NULL
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $35 OFFSET $36;
