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

SELECT l.id
FROM traceability.labels l
WHERE l.dimension = 'key' AND l.label = ANY($1)
ORDER BY l.id;

SELECT c.value::text AS value, c.session_id
FROM (
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $1
      AND starts_with(o.session_id, $2)
      AND o.total_tokens >= $3::numeric
      AND o.duration >= $4::numeric
      AND o.session_start >= $5
      AND o.session_start < $6
      AND o.last_activity < $7
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.api_key_hash, s.provider, s.tools
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $8
          AND e.started_at < $9
          AND COALESCE(e.api_key_hash, 'unknown') = $10
          AND COALESCE(e.provider, 'unknown') = ANY($11)
          AND e.tools && $12::text[]
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
      AND starts_with(o.session_id, $15)
      AND o.total_tokens >= $16::numeric
      AND o.duration >= $17::numeric
      AND (o.active @> $18 OR o.active @> $19)
      AND o.session_start < $20
      AND NOT (o.session_start >= $21 AND o.last_activity < $22)
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.api_key_hash, s.provider, s.tools
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE
          e.started_at >= $23
          AND e.started_at < $24
          AND COALESCE(e.api_key_hash, 'unknown') = $25
          AND COALESCE(e.provider, 'unknown') = ANY($26)
          AND e.tools && $27::text[]
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
          SELECT s.started_at, s.ended_at, s.total_tokens
          FROM
            traceability.requests s
            JOIN traceability.sessions b ON b.session_id = s.session_id
            AND s.started_at >= b.session_start
            AND s.started_at <= b.last_activity
          WHERE b.session_id = o.session_id
        ) AS e
        WHERE e.started_at < $28
        HAVING
          count(*) > 0
          AND sum(e.total_tokens) >= $29
          AND EXTRACT(EPOCH FROM max(GREATEST(e.ended_at, e.started_at)) - min(e.started_at)) >= $30::numeric
      ) AS t
    WHERE
      o.session_start < $31
      AND (o.last_activity >= $32)
      AND starts_with(o.session_id, $33)
      AND o.active && tsrange($34, $35)
      AND (
        SELECT true
        FROM (
          SELECT s.started_at, s.api_key_hash, s.provider, s.tools
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
          AND COALESCE(e.api_key_hash, 'unknown') = $38
          AND COALESCE(e.provider, 'unknown') = ANY($39)
          AND e.tools && $40::text[]
        LIMIT 1
      ) IS NOT NULL
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $41 OFFSET $42;
