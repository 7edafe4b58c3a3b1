-- What answers of the next versions are made of, kept from here on: LiteLLM's log forgets it. What is NULL is not known, or
-- nothing fills it yet.
SET LOCAL statement_timeout = 0;

ALTER TABLE traceability.facts
    -- The merge that brought the row, or altered it last; see `merges` in `state`.
    ADD COLUMN merged_in bigint,
    ADD COLUMN cache_write_tokens integer,
    ADD COLUMN mcp_server text,
    -- A prompt or an answer was stored, though perhaps redacted.
    ADD COLUMN has_content boolean,
    -- Keyed hashes of the tool calls with their arguments, in order, and of the answer's text. Nothing fills them yet.
    ADD COLUMN calls bigint[],
    ADD COLUMN answer bigint;

-- By LiteLLM's table of models, when the requests were made.
ALTER TABLE traceability.deployments
    ADD COLUMN context_window bigint,
    ADD COLUMN input_price double precision,
    ADD COLUMN cache_read_price double precision;
UPDATE traceability.deployments d
SET digest = sha256(convert_to(ROW(d.model, d.model_group, d.provider, d.call_type, d.context_window, d.input_price,
                                   d.cache_read_price)::text, 'UTF8'));

ALTER TABLE traceability.sessions
    ADD COLUMN merged_in bigint,
    -- What is striking about the session, and what it cost. Nothing fills these yet.
    ADD COLUMN findings text[],
    ADD COLUMN repeated_calls integer,
    ADD COLUMN wasted_cost numeric;

CREATE OR REPLACE VIEW traceability.requests AS
SELECT f.request_id,
       COALESCE(f.call_uuid::text, f.call_name) AS call_id,
       f.session_id,
       f.session_is_generated,
       f.started_at,
       COALESCE(f.ended_at, f.started_at + f.duration_ms * interval '1 millisecond')::timestamp(3) AS ended_at,
       f.duration_ms::bigint AS duration_ms,
       f.ttft_ms::bigint AS ttft_ms,
       o.agent_name,
       f.conversation_name,
       o.user_id,
       f.end_user,
       o.team_id,
       o.organization_id,
       o.api_key_hash,
       o.key_alias,
       d.model,
       d.model_group,
       d.provider,
       d.call_type,
       f.status,
       f.error_class,
       f.prompt_tokens,
       f.completion_tokens,
       f.cached_tokens::bigint AS cached_tokens,
       f.reasoning_tokens::bigint AS reasoning_tokens,
       f.total_tokens,
       f.spend,
       f.cache_hit,
       f.tool_calls::bigint AS tool_calls,
       f.tool_calls_exact,
       f.tags,
       f.tools,
       f.origin,
       f.data_quality,
       f.gone,
       f.projection,
       f.call_uuid,
       f.call_name,
       f.cache_write_tokens::bigint AS cache_write_tokens,
       f.mcp_server,
       f.has_content,
       d.context_window,
       d.input_price,
       d.cache_read_price,
       f.merged_in
FROM traceability.facts f
LEFT JOIN traceability.owners o ON o.id = f.owner
LEFT JOIN traceability.deployments d ON d.id = f.deployment;

-- Sessions can also be searched for by these. Found before anything is locked for long: whoever asks meanwhile is answered.
UPDATE traceability.sessions t
SET names = ARRAY(SELECT n.name FROM unnest(t.names || s.names) AS n(name) ORDER BY n.name)
FROM (SELECT k.session_id, array_agg(DISTINCT k.name) AS names
      FROM (SELECT f.session_id, n.name
            FROM (SELECT DISTINCT r.session_id, r.api_key_hash, r.provider, r.status, r.error_class, r.tools
                  FROM traceability.requests r) f
            CROSS JOIN LATERAL (
                SELECT 'key:' || COALESCE(f.api_key_hash, 'unknown') AS name
                UNION ALL SELECT 'provider:' || COALESCE(f.provider, 'unknown')
                UNION ALL SELECT 'error:' || COALESCE(f.error_class, 'unknown') WHERE f.status = 'failure'
                UNION ALL SELECT 'tool:' || u.tool FROM unnest(f.tools) AS u(tool)) n) k
      GROUP BY k.session_id) s
WHERE t.session_id = s.session_id;
ANALYZE traceability.sessions;
