-- Rows beside LiteLLM's sample: each is a copy of one that LiteLLM wrote, with some of its columns changed.
CREATE TEMP TABLE model_row AS
SELECT * FROM "LiteLLM_SpendLogs" WHERE session_id LIKE 'P1-tools%' AND status = 'success' ORDER BY request_id LIMIT 1;

CREATE FUNCTION pg_temp.add_row(changes jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO "LiteLLM_SpendLogs" SELECT made.* FROM model_row one, jsonb_populate_record(one, changes) made
$$;

-- A session of 20,000 requests, with a failure now and then and two hours of idle time.
INSERT INTO "LiteLLM_SpendLogs"
SELECT made.*
FROM model_row one, generate_series(0, 19999) n,
    LATERAL (SELECT (now() AT TIME ZONE 'UTC') - interval '3 days' + n * interval '2 seconds'
        + CASE WHEN n >= 10000 THEN interval '2 hours' ELSE interval '0' END AS begins) at,
    -- Not in the list above, where it would be called for each column.
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'request_id', 'large-' || lpad(n::text, 5, '0'),
        'session_id', 'large-session',
        'startTime', to_char(begins, 'YYYY-MM-DD"T"HH24:MI:SS.MS'),
        'endTime', to_char(begins + interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS'),
        'completionStartTime', to_char(begins + interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS'),
        'status', CASE WHEN n % 5000 = 4321 THEN 'failure' ELSE 'success' END,
        'spend', 0.001, 'prompt_tokens', 100 + n % 4000, 'completion_tokens', 20, 'total_tokens', 120 + n % 4000,
        'messages', jsonb_build_array(jsonb_build_object('role', 'user', 'content',
            CASE WHEN n = 2777 THEN 'here is the needle' ELSE 'question ' || n END)),
        'proxy_server_request', '{}'::jsonb,
        'response', jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('message',
            jsonb_build_object('role', 'assistant', 'content', 'answer ' || n))))
    )) made;

-- Requests around the end of summer time in Europe, one each half of an hour from noon to noon.
INSERT INTO "LiteLLM_SpendLogs"
SELECT made.*
FROM model_row one, generate_series(0, 47) n,
    LATERAL (SELECT timestamp '2026-10-24 12:00' + n * interval '30 minutes' AS begins) at,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'request_id', 'autumn-' || n,
        'session_id', 'autumn-' || n,
        'startTime', to_char(begins, 'YYYY-MM-DD"T"HH24:MI:SS'),
        'endTime', to_char(begins + interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS'),
        'spend', 0.25, 'team_id', 'team-autumn', 'user', 'autumn'
    )) made;

-- Two runs that are the same until their second turn.
SELECT pg_temp.add_row(jsonb_build_object(
    'request_id', 'run-' || run || '-' || turn, 'session_id', 'run-' || run,
    'startTime', to_char((now() AT TIME ZONE 'UTC') - interval '1 hour' + turn * interval '10 seconds', 'YYYY-MM-DD"T"HH24:MI:SS'),
    'endTime', to_char((now() AT TIME ZONE 'UTC') - interval '1 hour' + turn * interval '12 seconds', 'YYYY-MM-DD"T"HH24:MI:SS'),
    'spend', turn * CASE run WHEN 'a' THEN 0.5 ELSE 0.75 END,
    'messages', jsonb_build_array(jsonb_build_object('role', 'user', 'content',
        CASE WHEN turn = 2 THEN 'where is order ' || run ELSE 'hello' END)),
    'proxy_server_request', '{}'::jsonb))
FROM unnest(ARRAY['a', 'b']) run, generate_series(1, 3) turn;

-- Text that wants to be more than text.
SELECT pg_temp.add_row(jsonb_build_object(
    'request_id', '<img src=x onerror=attacked()>-' || n,
    'session_id', '"><script>attacked()</script>',
    'user', '<svg onload=attacked()>', 'team_id', 'javascript:attacked()',
    'model_group', E'gpt-\u202e4o<b>', 'model', '<iframe src=//example.invalid>',
    'request_tags', jsonb_build_array('<img src=//example.invalid/pixel.png>'),
    'startTime', to_char((now() AT TIME ZONE 'UTC') - interval '30 minutes' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS'),
    'endTime', to_char((now() AT TIME ZONE 'UTC') - interval '30 minutes' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS'),
    'messages', jsonb_build_array(
        jsonb_build_object('role', '<b>user</b>', 'name', '<i>x</i>', 'content', '<script>attacked()</script><a href="javascript:attacked()">x</a> ![x](//example.invalid/a.png)'),
        jsonb_build_object('role', 'user', 'content', jsonb_build_array(
            jsonb_build_object('type', 'text', 'text', E'safe\u202etxt.exe\u2066'),
            jsonb_build_object('type', 'image_url', 'image_url', jsonb_build_object('url', 'https://example.invalid/pixel.png')))),
        jsonb_build_object('role', 'user', 'content', repeat('A', 1000000))),
    'proxy_server_request', '{}'::jsonb,
    'response', jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('message', jsonb_build_object(
        'role', 'assistant', 'content', '<details open ontoggle=attacked()>',
        'tool_calls', jsonb_build_array(jsonb_build_object('id', 'c1', 'type', 'function', 'function', jsonb_build_object(
            'name', '<svg/onload=attacked()>', 'arguments', '{"html": "<img src=x onerror=attacked()>"}')))))))))
FROM generate_series(1, 2) n;
ANALYZE "LiteLLM_SpendLogs";
