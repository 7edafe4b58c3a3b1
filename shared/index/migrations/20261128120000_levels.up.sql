-- Which levels of roll-ups the groupings have. Until a month is decided about, there are all of them.
ALTER TABLE traceability.state
    -- For each grouping, from which quarter of an hour on it has which levels: bits, that of a quarter of an hour the lowest.
    ADD COLUMN rollup_levels jsonb NOT NULL DEFAULT '{}',
    -- Up to here, in quarters of an hour since 1970, the months are decided about.
    ADD COLUMN levels_until integer,
    -- When the last of them was.
    ADD COLUMN levels_at timestamp with time zone,
    -- Up to here roll-ups that are no longer used are deleted. Whoever asked before that was decided may still read them.
    ADD COLUMN thinned_until integer;

-- Ids are looked up one by one, for which a hash of four bytes is enough; and rows that start in the same millisecond are few
-- enough to be sorted. Built beside the indexes they replace: whoever asks meanwhile is answered.
SET LOCAL statement_timeout = 0;
CREATE INDEX facts_request_hash ON traceability.facts USING hash (request_id);
CREATE INDEX facts_call_hash ON traceability.facts USING hash (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX facts_time ON traceability.facts (started_at);
DROP INDEX traceability.facts_request, traceability.facts_call, traceability.facts_started;
