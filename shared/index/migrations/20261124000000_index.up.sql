-- The index: what the indexer copies out of LiteLLM's log, and what it makes of it. Nothing here refers to a table of
-- LiteLLM's, so that it may as well live in another database.

-- One row per request: the columns of the facts projection.
-- Partitioned by month, so that an index fits into memory and an old month can be dropped at once.
CREATE TABLE traceability.facts (
    request_id text NOT NULL,
    call_id text,
    session_id text NOT NULL,
    session_is_generated boolean NOT NULL,
    -- UTC without saying so, as LiteLLM's own.
    started_at timestamp(3) NOT NULL,
    ended_at timestamp(3) NOT NULL,
    duration_ms bigint NOT NULL,
    ttft_ms bigint,
    agent_name text,
    conversation_name text,
    user_id text,
    end_user text,
    team_id text,
    organization_id text,
    api_key_hash text,
    key_alias text,
    model text,
    model_group text,
    provider text,
    call_type text,
    status text NOT NULL,
    error_class text,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    cached_tokens bigint,
    reasoning_tokens bigint,
    total_tokens integer NOT NULL,
    spend double precision NOT NULL,
    cache_hit boolean NOT NULL,
    tool_calls bigint NOT NULL,
    tool_calls_exact boolean NOT NULL,
    tags jsonb,
    tools text[],
    -- LiteLLM's log no longer has the row: its retention deleted it, or somebody.
    gone boolean NOT NULL DEFAULT false,
    -- The session first: a distributed table needs the column it is distributed by in every key, and one session's requests
    -- are then found in order.
    PRIMARY KEY (session_id, started_at, request_id)
) PARTITION BY RANGE (started_at);

-- For lists, and for the ends of windows that are not made of whole quarters of an hour.
CREATE INDEX facts_started ON traceability.facts (started_at, request_id);
CREATE INDEX facts_request ON traceability.facts (request_id);
CREATE INDEX facts_call ON traceability.facts (call_id) WHERE call_id IS NOT NULL;
-- For callers who see the rows of some users, teams or agents only, and for questions that no roll-up answers.
CREATE INDEX facts_user ON traceability.facts (user_id, started_at);
CREATE INDEX facts_team ON traceability.facts (team_id, started_at);
CREATE INDEX facts_agent ON traceability.facts (agent_name, started_at);

-- What the clocks of LiteLLM's servers got badly wrong.
CREATE TABLE traceability.facts_other PARTITION OF traceability.facts DEFAULT;

-- One row per session: its totals, and what its requests name.
CREATE TABLE traceability.sessions (
    session_id text PRIMARY KEY,
    session_start timestamp(3) NOT NULL,
    last_activity timestamp(3) NOT NULL,
    -- What is sorted by is numeric, as the position in a listing is.
    requests numeric NOT NULL,
    cost numeric NOT NULL,
    total_tokens numeric NOT NULL,
    -- Seconds from the first start to the last end.
    duration numeric NOT NULL,
    tool_calls bigint NOT NULL,
    failed_requests bigint NOT NULL,
    -- Whose requests it has; an empty name stands for nobody's.
    users text[] NOT NULL,
    teams text[] NOT NULL,
    agents text[] NOT NULL,
    -- What a request of it can be searched for by, such as `user:alice`, once each.
    names text[] NOT NULL,
    -- From its first request to its latest.
    active tsrange NOT NULL,
    -- What else its summary says: the names of its most requests, and so on.
    user_id text NOT NULL,
    agent_name text NOT NULL,
    conversation_name text NOT NULL,
    session_end timestamp(3) NOT NULL,
    busy_seconds double precision NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens bigint,
    avg_response_time double precision NOT NULL,
    p50_response_time double precision NOT NULL,
    p95_response_time double precision NOT NULL,
    function_calls_exact boolean NOT NULL,
    cache_hit_rate double precision NOT NULL,
    models_used text[] NOT NULL,
    model_groups_used text[] NOT NULL,
    end_users text[] NOT NULL
);
-- One for each order of a search; ties are told apart byte by byte, whatever the database's collation. The start is there so
-- that a walk in another order looks at the rows of the window alone.
CREATE INDEX sessions_start ON traceability.sessions (session_start, session_id COLLATE "C");
CREATE INDEX sessions_activity ON traceability.sessions (last_activity, session_id COLLATE "C");
CREATE INDEX sessions_cost ON traceability.sessions (cost, session_id COLLATE "C", session_start);
CREATE INDEX sessions_tokens ON traceability.sessions (total_tokens, session_id COLLATE "C", session_start);
CREATE INDEX sessions_duration ON traceability.sessions (duration, session_id COLLATE "C", session_start);
CREATE INDEX sessions_requests ON traceability.sessions (requests, session_id COLLATE "C", session_start);
CREATE INDEX sessions_names ON traceability.sessions USING gin (names);
-- For the few sessions that were active at an instant: among the overlapping ranges of GiST a search for them visits much of
-- the tree.
CREATE INDEX sessions_active ON traceability.sessions USING spgist (active);
-- Many more names than the usual hundred are common enough to matter for a plan.
ALTER TABLE traceability.sessions ALTER COLUMN names SET STATISTICS 1000;

-- Partial aggregates of facts: one row per dimension (or pair of them), span of time and value. What a question needs
-- is the sum of a few of them.
CREATE TABLE traceability.rollups (
    -- Such as `agent` or `team,model`; `total` for all requests.
    dimension text COLLATE "C" NOT NULL,
    -- How long the span is: 0 a quarter of an hour, 1 an hour, 2 a day, 3 a quarter of a month (from its 1st, 9th, 17th and
    -- 25th day on), 4 a month, all of UTC.
    level smallint NOT NULL,
    -- Where the span begins, in quarters of an hour since 1970.
    starts integer NOT NULL,
    -- The values, by the names that answers have for them. Compared byte by byte, which takes a tenth of the time.
    first text COLLATE "C" NOT NULL,
    second text COLLATE "C" NOT NULL,
    requests bigint NOT NULL,
    -- Most rows are small, and most of their counts 0: as NULL those take no room.
    failed_requests bigint,
    cache_hits bigint,
    prompt_tokens bigint,
    completion_tokens bigint,
    total_tokens bigint,
    spend numeric NOT NULL,
    duration_ms bigint,
    min_duration_ms bigint NOT NULL,
    max_duration_ms bigint NOT NULL,
    ttft_ms bigint,
    streamed bigint,
    tool_calls bigint,
    -- Here NULL is unknown.
    cached_tokens bigint,
    cached_tokens_of bigint,
    -- Histograms: for each bin that is not empty, its number, less that of the bin before it, and the requests in it, as
    -- variable-length numbers (LEB128).
    durations bytea NOT NULL,
    ttfts bytea,
    -- The sessions with a request in the span that had none before it.
    new_sessions bigint NOT NULL,
    -- The others, by when they had one before: each element has the quarters of an hour from there to the start of the span
    -- in its upper 24 bits, and the sessions in the lower 40.
    returning_sessions bigint[],
    -- For one value the spans are read through, of this index alone: another one would cost more than it saves.
    PRIMARY KEY (dimension, level, starts, first, second)
);

-- Quarters of an hour whose roll-ups are out of date, since a request of theirs came late or was altered. Until they are
-- made anew, they and the longer spans around them are not used.
CREATE TABLE traceability.stale (
    quarter integer PRIMARY KEY,
    -- Whoever makes them anew takes away the marks that it found: one that came meanwhile is another.
    marked_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
);

-- What LiteLLM calls teams and keys.
CREATE TABLE traceability.labels (
    dimension text NOT NULL,
    id text NOT NULL,
    label text NOT NULL,
    PRIMARY KEY (dimension, id)
);

-- How far the index is, in one row.
CREATE TABLE traceability.state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Whether the API may use the index: once it has all of the log.
    ready boolean NOT NULL DEFAULT false,
    -- The requests that the log held at this instant are in the index.
    as_of timestamp with time zone,
    -- Up to here, in quarters of an hour since 1970, there are roll-ups.
    rolled_until integer,
    -- The hour up to which older hours were compared with the log; the comparison goes round and round.
    compared_until timestamp with time zone,
    -- How often a slice of the log was merged: what was read of it before somebody else's merge may be out of date.
    merges bigint NOT NULL DEFAULT 0
);
INSERT INTO traceability.state DEFAULT VALUES;

-- A partition for the month that begins on this day, if there is none. The indexer does not own the table.
CREATE FUNCTION traceability.add_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'facts_' || to_char(month, 'YYYY_MM');
    until date := month + interval '1 month';
BEGIN
    IF to_regclass('traceability.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    IF extract(day FROM month) <> 1 THEN
        RAISE EXCEPTION 'a month begins on its first day';
    END IF;
    IF NOT EXISTS (SELECT FROM traceability.facts_other WHERE started_at >= month AND started_at < until) THEN
        EXECUTE format('CREATE TABLE traceability.%I PARTITION OF traceability.facts FOR VALUES FROM (%L) TO (%L)',
                       name, month, until);
    ELSE
        -- Rows from what was then too far away have to make room for it.
        EXECUTE format('CREATE TABLE traceability.%I (LIKE traceability.facts INCLUDING ALL)', name);
        EXECUTE format('WITH moved AS (DELETE FROM traceability.facts_other WHERE started_at >= %L AND started_at < %L '
                       'RETURNING *) INSERT INTO traceability.%I SELECT * FROM moved', month, until, name);
        EXECUTE format('ALTER TABLE traceability.facts ATTACH PARTITION traceability.%I FOR VALUES FROM (%L) TO (%L)',
                       name, month, until);
    END IF;
END
$$;

-- Fresh statistics after much was written; only an owner may ask for them.
CREATE FUNCTION traceability.analyze_facts() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    ANALYZE traceability.facts, traceability.sessions;
END
$$;
CREATE FUNCTION traceability.analyze_rollups() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    ANALYZE traceability.rollups;
END
$$;
REVOKE ALL ON FUNCTION traceability.add_month(date), traceability.analyze_facts(), traceability.analyze_rollups()
    FROM PUBLIC;

-- Whoever indexes may write here, whoever asks may read. Where the role of the migration may not make roles, its logins are
-- given the rights one by one.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['traceability_indexer', 'traceability_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN insufficient_privilege THEN
                RAISE NOTICE 'no right to make the role %: grant its rights by hand', role;
                CONTINUE;
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA traceability TO %I', role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA traceability TO %I', role);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA traceability GRANT SELECT ON TABLES TO %I', role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'traceability_indexer') THEN
        GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA traceability TO traceability_indexer;
        GRANT EXECUTE ON FUNCTION traceability.add_month(date), traceability.analyze_facts(),
            traceability.analyze_rollups() TO traceability_indexer;
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO traceability_indexer', current_database());
    END IF;
END
$$;
