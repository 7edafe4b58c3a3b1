-- Narrower facts: what many requests have in common is stored once, ids that are UUIDs as such, and no end that follows from
-- the duration. The rows are copied beside those that are there, so that whoever asks meanwhile is answered.
SET LOCAL statement_timeout = 0;

-- Who asked: the names that a virtual key brings along, and the agent.
CREATE TABLE traceability.owners (
    id integer PRIMARY KEY,
    -- SHA-256 of the names, by which they are found.
    digest bytea NOT NULL UNIQUE,
    agent_name text,
    user_id text,
    team_id text,
    organization_id text,
    api_key_hash text,
    key_alias text
);
-- For callers who see the rows of some users, teams or agents only.
CREATE INDEX owners_user ON traceability.owners (user_id);
CREATE INDEX owners_team ON traceability.owners (team_id);
CREATE INDEX owners_agent ON traceability.owners (agent_name);

-- What was asked.
CREATE TABLE traceability.deployments (
    id integer PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    model text,
    model_group text,
    provider text,
    call_type text
);

INSERT INTO traceability.owners
SELECT row_number() OVER (), sha256(convert_to(ROW(n.*)::text, 'UTF8')), n.*
FROM (SELECT DISTINCT f.agent_name, f.user_id, f.team_id, f.organization_id, f.api_key_hash, f.key_alias
      FROM traceability.facts f) n;
INSERT INTO traceability.deployments
SELECT row_number() OVER (), sha256(convert_to(ROW(n.*)::text, 'UTF8')), n.*
FROM (SELECT DISTINCT f.model, f.model_group, f.provider, f.call_type FROM traceability.facts f) n;
ANALYZE traceability.owners, traceability.deployments;

-- One row per request, as narrow as it may be; `traceability.requests` has the columns of the facts projection. What is eight
-- bytes wide comes first, so that nothing is padded.
CREATE TABLE traceability.narrow_facts (
    -- UTC without saying so, as LiteLLM's own.
    started_at timestamp(3) NOT NULL,
    spend double precision NOT NULL,
    -- Where it is not the start and the duration.
    ended_at timestamp(3),
    call_uuid uuid,
    owner integer NOT NULL,
    deployment integer NOT NULL,
    duration_ms integer NOT NULL,
    ttft_ms integer,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    total_tokens integer NOT NULL,
    cached_tokens integer,
    reasoning_tokens integer,
    tool_calls integer NOT NULL,
    -- Which version's projection has made the row. An indexer of the first version did not name it.
    projection smallint NOT NULL DEFAULT 1,
    session_is_generated boolean NOT NULL,
    cache_hit boolean NOT NULL,
    tool_calls_exact boolean NOT NULL,
    -- LiteLLM's log no longer has the row: its retention deleted it, or somebody.
    gone boolean NOT NULL DEFAULT false,
    status text NOT NULL,
    request_id text NOT NULL,
    session_id text NOT NULL,
    -- Where it is no UUID.
    call_name text,
    end_user text,
    conversation_name text,
    error_class text,
    -- As in LiteLLM's log: `user`, `internal` or `read`. NULL is unknown.
    origin text,
    tags jsonb,
    tools text[],
    -- The names of the doubts; NULL where there are none.
    data_quality text[]
) PARTITION BY RANGE (started_at);

DO $$
DECLARE
    part record;
    narrow text;
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS name, c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'traceability.facts'::regclass ORDER BY c.relname
    LOOP
        narrow := 'narrow_' || part.relname;
        EXECUTE format('CREATE TABLE traceability.%I PARTITION OF traceability.narrow_facts %s', narrow, part.bounds);
        EXECUTE format($copy$
            INSERT INTO traceability.%I
            SELECT f.started_at, f.spend,
                   NULLIF(f.ended_at, f.started_at + f.duration_ms * interval '1 millisecond'),
                   CASE WHEN f.call_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN f.call_id::uuid END,
                   o.id, d.id, f.duration_ms, f.ttft_ms, f.prompt_tokens, f.completion_tokens, f.total_tokens,
                   f.cached_tokens, f.reasoning_tokens, LEAST(f.tool_calls, 2147483647), f.projection,
                   f.session_is_generated, f.cache_hit, f.tool_calls_exact, f.gone, f.status, f.request_id, f.session_id,
                   CASE WHEN f.call_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN f.call_id END,
                   f.end_user, f.conversation_name, f.error_class, f.origin, f.tags, f.tools, f.data_quality
            FROM %s f
            JOIN traceability.owners o ON o.digest = sha256(convert_to(ROW(f.agent_name, f.user_id, f.team_id,
                f.organization_id, f.api_key_hash, f.key_alias)::text, 'UTF8'))
            JOIN traceability.deployments d ON d.digest = sha256(convert_to(ROW(f.model, f.model_group, f.provider,
                f.call_type)::text, 'UTF8'))
            ORDER BY f.started_at$copy$, narrow, part.name);
        RAISE NOTICE 'narrowed %', part.relname;
    END LOOP;
END
$$;

-- The session first: a distributed table needs the column it is distributed by in every key, and one session's requests are
-- then found in order.
ALTER TABLE traceability.narrow_facts ADD PRIMARY KEY (session_id, started_at, request_id);
CREATE INDEX narrow_facts_time ON traceability.narrow_facts (started_at);
CREATE INDEX narrow_facts_request ON traceability.narrow_facts USING hash (request_id);
CREATE INDEX narrow_facts_call ON traceability.narrow_facts USING hash (call_uuid) WHERE call_uuid IS NOT NULL;
-- Few or none: a hash index takes the room of the whole table from its start.
CREATE INDEX narrow_facts_call_name ON traceability.narrow_facts (call_name) WHERE call_name IS NOT NULL;
CREATE INDEX narrow_facts_owner ON traceability.narrow_facts (owner, started_at);

-- Whoever had rights on the table before has them on what replaces it.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT a.grantee::regrole AS role, a.privilege_type AS privilege
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid = 'traceability.facts'::regclass AND a.grantee <> c.relowner AND a.grantee <> 0
    LOOP
        EXECUTE format('GRANT %s ON traceability.narrow_facts, traceability.owners, traceability.deployments TO %s',
                       granted.privilege, granted.role);
    END LOOP;
END
$$;

DROP TABLE traceability.facts;
ALTER TABLE traceability.narrow_facts RENAME TO facts;
ALTER INDEX traceability.narrow_facts_pkey RENAME TO facts_pkey;
ALTER INDEX traceability.narrow_facts_time RENAME TO facts_time;
ALTER INDEX traceability.narrow_facts_request RENAME TO facts_request;
ALTER INDEX traceability.narrow_facts_call RENAME TO facts_call;
ALTER INDEX traceability.narrow_facts_call_name RENAME TO facts_call_name;
ALTER INDEX traceability.narrow_facts_owner RENAME TO facts_owner;
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS name, substr(c.relname, length('narrow_') + 1) AS wide
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'traceability.facts'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', part.name, part.wide);
    END LOOP;
END
$$;

-- The facts with the names that the projection gives them.
CREATE VIEW traceability.requests AS
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
       f.call_name
FROM traceability.facts f
LEFT JOIN traceability.owners o ON o.id = f.owner
LEFT JOIN traceability.deployments d ON d.id = f.deployment;
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT DISTINCT a.grantee::regrole AS role
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid = 'traceability.facts'::regclass AND a.grantee <> c.relowner AND a.grantee <> 0
          AND a.privilege_type = 'SELECT'
    LOOP
        EXECUTE format('GRANT SELECT ON traceability.requests TO %s', granted.role);
    END LOOP;
END
$$;
ANALYZE traceability.facts;
