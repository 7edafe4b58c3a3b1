-- Who made each request, and what is doubtful about its row. And what the first version copied wrongly, put right here: rows
-- that LiteLLM's log still has are copied again by the indexer, but of the others this is the only copy.

-- The rows to be altered, found before anything is locked: whoever asks meanwhile is answered.
SET LOCAL statement_timeout = 0;
CREATE UNLOGGED TABLE traceability.carried AS
SELECT * FROM (
    SELECT f.session_id, f.started_at, f.request_id,
           -- Tokens of custom authentication, which releases before 1.100 wrote into the log in clear.
           f.api_key_hash !~ '^[0-9A-Fa-f]{64}$'
               AND f.api_key_hash NOT IN ('litellm_proxy_master_key', 'litellm-internal-health-check') AS has_key,
           f.duration_ms NOT BETWEEN 0 AND 2147483647 OR f.ttft_ms NOT BETWEEN 0 AND 2147483647
               OR f.cached_tokens > 2147483647 OR f.reasoning_tokens > 2147483647 OR f.ended_at < f.started_at
               OR f.ended_at >= '10000-01-01' AS has_odd_figures,
           -- Of which roll-ups add up something else now.
           f.cached_tokens > f.prompt_tokens AS has_odd_cache,
           CASE WHEN f.request_id ~ '_(batch|background|video|guardrail)_cost$' THEN 'user'
                WHEN f.team_id = 'litellm-internal-health-check' OR f.api_key_hash IN
                     ('litellm-internal-health-check', '2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a')
                THEN 'internal' END AS origin,
           NULLIF(array_remove(ARRAY[
               CASE WHEN f.ended_at < f.started_at THEN 'ends_before_start' END,
               CASE WHEN f.started_at < '1970-01-01' OR f.ended_at < '1970-01-01' OR f.ended_at >= '10000-01-01'
                    THEN 'time_out_of_range' END], NULL), '{}') AS data_quality
    FROM traceability.facts f) c
WHERE c.has_key OR c.has_odd_figures OR c.has_odd_cache OR c.origin IS NOT NULL OR c.data_quality IS NOT NULL;
CREATE INDEX ON traceability.carried (session_id, started_at, request_id);
ANALYZE traceability.carried;

-- The roll-ups of a key are those of its hash. Where LiteLLM itself wrote the hash later on, the two are one key: the quarters
-- of an hour of both are rolled up anew.
CREATE UNLOGGED TABLE traceability.carried_keys AS
SELECT k.key, k.hash, EXISTS (SELECT FROM traceability.rollups r WHERE r.dimension = 'key' AND r.first = k.hash) AS is_twice
FROM (SELECT DISTINCT r.first AS key, encode(sha256(convert_to(r.first, 'UTF8')), 'hex') COLLATE "C" AS hash
      FROM traceability.rollups r
      WHERE r.dimension = 'key' AND r.first !~ '^[0-9A-Fa-f]{64}$'
        AND r.first NOT IN ('unknown', 'litellm_proxy_master_key', 'litellm-internal-health-check')) k;

-- Roll-ups that these figures or both names of a key are in.
INSERT INTO traceability.stale (quarter)
SELECT q.quarter FROM (
    SELECT floor(EXTRACT(EPOCH FROM c.started_at) / 900)::integer AS quarter FROM traceability.carried c
    WHERE c.has_odd_figures OR c.has_odd_cache
    UNION
    SELECT r.starts FROM traceability.rollups r JOIN traceability.carried_keys k ON r.first IN (k.key, k.hash)
    WHERE k.is_twice AND r.dimension = 'key' AND r.level = 0) q
WHERE q.quarter < (SELECT s.rolled_until FROM traceability.state s)
ON CONFLICT (quarter) DO UPDATE SET marked_at = EXCLUDED.marked_at;
DELETE FROM traceability.rollups r USING traceability.carried_keys k
WHERE k.is_twice AND (r.dimension = 'key' OR r.dimension LIKE 'key,%') AND r.first = k.key;
UPDATE traceability.rollups r SET first = k.hash FROM traceability.carried_keys k
WHERE NOT k.is_twice AND (r.dimension = 'key' OR r.dimension LIKE 'key,%') AND r.first = k.key;
DELETE FROM traceability.labels l
WHERE l.dimension = 'key' AND l.id !~ '^[0-9A-Fa-f]{64}$'
  AND l.id NOT IN ('litellm_proxy_master_key', 'litellm-internal-health-check');

-- From here on readers wait, for as long as it takes to write these rows.
ALTER TABLE traceability.facts
    -- As in LiteLLM's log: `user`, `internal` or `read`. NULL is unknown.
    ADD COLUMN origin text,
    -- The names of the doubts; NULL where there are none.
    ADD COLUMN data_quality text[],
    -- Which version's projection has made the row. An indexer of the first version, whose run ends only now, does not name it.
    ADD COLUMN projection smallint NOT NULL DEFAULT 1;

UPDATE traceability.facts f SET
    api_key_hash = CASE WHEN c.has_key THEN encode(sha256(convert_to(f.api_key_hash, 'UTF8')), 'hex') ELSE f.api_key_hash END,
    -- An end that never comes is none.
    ended_at = CASE WHEN f.ended_at >= '10000-01-01' THEN f.started_at ELSE f.ended_at END,
    duration_ms = CASE WHEN f.duration_ms >= 0 THEN LEAST(f.duration_ms, 2147483647)
                       WHEN f.ended_at > f.started_at AND f.ended_at < '10000-01-01'
                       THEN LEAST(trunc(EXTRACT(EPOCH FROM f.ended_at - f.started_at) * 1000), 2147483647) ELSE 0 END,
    ttft_ms = CASE WHEN f.ttft_ms >= 0 THEN LEAST(f.ttft_ms, 2147483647) END,
    -- LEAST would make a number of NULL.
    cached_tokens = CASE WHEN f.cached_tokens > 2147483647 THEN 2147483647 ELSE f.cached_tokens END,
    reasoning_tokens = CASE WHEN f.reasoning_tokens > 2147483647 THEN 2147483647 ELSE f.reasoning_tokens END,
    origin = c.origin,
    data_quality = c.data_quality
FROM traceability.carried c
WHERE f.session_id = c.session_id AND f.started_at = c.started_at AND f.request_id = c.request_id;

-- The totals of their sessions that are made of these figures.
UPDATE traceability.sessions t SET
    session_end = s.session_end, duration = s.duration, busy_seconds = s.busy_seconds, cached_tokens = s.cached_tokens,
    avg_response_time = s.average,
    p50_response_time = s.percentiles[1] / 1000, p95_response_time = s.percentiles[2] / 1000
FROM (
    SELECT e.session_id, max(GREATEST(e.ended_at, e.started_at)) AS session_end,
           EXTRACT(EPOCH FROM max(GREATEST(e.ended_at, e.started_at)) - min(e.started_at))::numeric AS duration,
           (SELECT COALESCE(sum(EXTRACT(EPOCH FROM upper(b.r) - lower(b.r))), 0)::float8
            FROM unnest(range_agg(tsrange(e.started_at, GREATEST(e.started_at, e.ended_at)))) AS b(r)) AS busy_seconds,
           sum(e.cached_tokens)::bigint AS cached_tokens, COALESCE(avg(e.duration_ms) / 1000, 0)::float8 AS average,
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY e.duration_ms) AS percentiles
    FROM traceability.facts e
    WHERE e.session_id IN (SELECT c.session_id FROM traceability.carried c WHERE c.has_odd_figures)
    GROUP BY e.session_id) s
WHERE t.session_id = s.session_id;

DROP TABLE traceability.carried, traceability.carried_keys;
