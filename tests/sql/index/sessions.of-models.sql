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
    SELECT o.cost AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $1
      AND o.session_start >= $2
      AND o.session_start < $3
      AND o.last_activity < $4
      AND o.names && $5::text[]
    ORDER BY o.cost DESC, o.session_id COLLATE "C" DESC
    LIMIT $6
  )
  UNION ALL
  (
    SELECT o.cost AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $7
      AND (o.active @> $8 OR o.active @> $9)
      AND o.session_start < $10
      AND NOT (o.session_start >= $11 AND o.last_activity < $12)
      AND (o.names && $13::text[]) IS TRUE
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.model, s.model_group
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $14
          AND e.started_at < $15
          AND (COALESCE(e.model_group, 'unknown') = ANY($16) OR e.model = ANY($17))
        LIMIT 1
      ) IS NOT NULL
  )
  UNION ALL
  (
    SELECT t.value, o.session_id
    FROM
      traceability.sessions o
      CROSS JOIN LATERAL (
        SELECT COALESCE(sum(e.spend::numeric), 0) AS value
        FROM (
          SELECT s.started_at, s.spend
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $18
        HAVING count(*) > 0
      ) AS t
    WHERE
      o.session_start < $19
      AND (o.last_activity >= $20)
      AND o.active && tsrange($21, $22)
      AND o.names && $23::text[]
      AND CASE
        WHEN (o.session_start >= $24 AND o.last_activity < $25) THEN true
        ELSE (
          SELECT true
          FROM (
            SELECT s.started_at, s.model, s.model_group
            FROM
              traceability.requests s
              JOIN traceability.sessions b ON b.session_id = s.session_id
              AND s.started_at >= b.session_start
              AND s.started_at <= b.last_activity
            WHERE b.session_id = o.session_id
          ) AS e
          WHERE
            e.started_at >= $26
            AND e.started_at < $27
            AND (COALESCE(e.model_group, 'unknown') = ANY($28) OR e.model = ANY($29))
          LIMIT 1
        ) IS NOT NULL
      END
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $30 OFFSET $31;
