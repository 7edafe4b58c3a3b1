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
      AND o.names @> $8::text[]
      AND o.names && $9::text[]
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
          e.started_at >= $10
          AND e.started_at < $11
          AND COALESCE(e.api_key_hash, 'unknown') = $12
          AND COALESCE(e.provider, 'unknown') = ANY($13)
          AND e.tools && $14::text[]
        LIMIT 1
      ) IS NOT NULL
    ORDER BY o.session_start DESC, o.session_id COLLATE "C" DESC
    LIMIT $15
  )
  UNION ALL
  (
    SELECT EXTRACT(EPOCH FROM o.session_start)::numeric AS value, o.session_id
    FROM traceability.sessions o
    WHERE
      o.last_activity < $16
      AND starts_with(o.session_id, $17)
      AND o.total_tokens >= $18::numeric
      AND o.duration >= $19::numeric
      AND (o.active @> $20 OR o.active @> $21)
      AND o.session_start < $22
      AND NOT (o.session_start >= $23 AND o.last_activity < $24)
      AND (o.names @> $25::text[]) IS TRUE
      AND (o.names && $26::text[]) IS TRUE
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
          e.started_at >= $27
          AND e.started_at < $28
          AND COALESCE(e.api_key_hash, 'unknown') = $29
          AND COALESCE(e.provider, 'unknown') = ANY($30)
          AND e.tools && $31::text[]
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
        WHERE e.started_at < $32
        HAVING
          count(*) > 0
          AND sum(e.total_tokens) >= $33
          AND EXTRACT(EPOCH FROM max(GREATEST(e.ended_at, e.started_at)) - min(e.started_at)) >= $34::numeric
      ) AS t
    WHERE
      o.session_start < $35
      AND (o.last_activity >= $36)
      AND starts_with(o.session_id, $37)
      AND o.active && tsrange($38, $39)
      AND o.names @> $40::text[]
      AND o.names && $41::text[]
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
          e.started_at >= $42
          AND e.started_at < $43
          AND COALESCE(e.api_key_hash, 'unknown') = $44
          AND COALESCE(e.provider, 'unknown') = ANY($45)
          AND e.tools && $46::text[]
        LIMIT 1
      ) IS NOT NULL
  )
) AS c
ORDER BY c.value DESC, c.session_id COLLATE "C" DESC
LIMIT $47 OFFSET $48;
