WITH
requests AS (
  SELECT s.request_id AS session_id, s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
c AS MATERIALIZED (SELECT DISTINCT f.session_id FROM requests AS f)
SELECT count(*)
FROM (SELECT 1 FROM c LIMIT $3) AS m;

WITH
requests AS (
  SELECT s.request_id AS request_id, s.request_id AS session_id, s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT f.session_id, f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at
FROM requests AS f
ORDER BY f.started_at DESC, f.request_id DESC
LIMIT $3;

SELECT t.value::text AS value, k.session_id
FROM
  unnest($1::text[]) AS k(session_id)
  CROSS JOIN LATERAL (
    SELECT EXTRACT(EPOCH FROM min(e.started_at))::numeric AS value
    FROM (
      SELECT
        LEAST(
          GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
          timestamp '9999-12-31 23:59:59.999'
        ) AS started_at
      FROM "LiteLLM_SpendLogs" s
      WHERE s.request_id = k.session_id
    ) AS e
    WHERE e.started_at < $2
    HAVING count(*) > 0
  ) AS t;

SELECT k.session_id, t.*
FROM
  unnest($1::text[]) AS k(session_id)
  CROSS JOIN LATERAL (
    SELECT
      count(*) AS total_messages,
      min(e.started_at) AT TIME ZONE 'UTC' AS session_start,
      max(e.started_at) AT TIME ZONE 'UTC' AS last_activity,
      EXTRACT(EPOCH FROM max(GREATEST(e.ended_at, e.started_at)) - min(e.started_at))::float8 AS total_duration_seconds,
      COALESCE(sum(e.total_tokens), 0)::bigint AS total_tokens,
      COALESCE(sum(e.spend::numeric), 0)::float8 AS total_cost,
      COALESCE(sum(e.tool_calls), 0)::bigint AS function_calls_count,
      count(*) FILTER (WHERE e.status = 'failure') AS failed_requests,
      COALESCE(array_agg(DISTINCT e.user_id COLLATE "C") FILTER (WHERE e.user_id IS NOT NULL), '{}') AS users,
      COALESCE(
        array_agg(DISTINCT e.agent_name COLLATE "C") FILTER (WHERE e.agent_name IS NOT NULL),
        '{}'
      ) AS agents,
      COALESCE(mode () WITHIN GROUP (ORDER BY e.user_id COLLATE "C"), 'unknown') AS user_id,
      COALESCE(mode () WITHIN GROUP (ORDER BY e.agent_name COLLATE "C"), 'unknown') AS agent_name,
      COALESCE(mode () WITHIN GROUP (ORDER BY e.conversation_name COLLATE "C"), 'default') AS conversation_name,
      max(GREATEST(e.ended_at, e.started_at)) AT TIME ZONE 'UTC' AS session_end,
      (
        SELECT COALESCE(sum(EXTRACT(EPOCH FROM upper(b.r) - lower(b.r))), 0)::float8
        FROM unnest(range_agg(tsrange(e.started_at, GREATEST(e.started_at, e.ended_at)))) AS b(r)
      ) AS busy_seconds,
      COALESCE(sum(e.prompt_tokens), 0)::bigint AS prompt_tokens,
      COALESCE(sum(e.completion_tokens), 0)::bigint AS completion_tokens,
      sum(e.cached_tokens)::bigint AS cached_tokens,
      COALESCE(avg(e.duration_ms) / 1000, 0)::float8 AS avg_response_time,
      COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8 AS p50_response_time,
      COALESCE(percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) / 1000, 0)::float8 AS p95_response_time,
      COALESCE(bool_and(e.tool_calls_exact), true) AS function_calls_exact,
      COALESCE(round(100.0 * count(*) FILTER (WHERE e.cache_hit) / NULLIF(count(*), 0), 2), 0)::float8 AS cache_hit_rate,
      COALESCE(array_agg(DISTINCT e.model COLLATE "C") FILTER (WHERE e.model IS NOT NULL), '{}') AS models_used,
      COALESCE(
        array_agg(DISTINCT e.model_group COLLATE "C") FILTER (WHERE e.model_group IS NOT NULL),
        '{}'
      ) AS model_groups_used,
      COALESCE(array_agg(DISTINCT e.end_user COLLATE "C") FILTER (WHERE e.end_user IS NOT NULL), '{}') AS end_users
    FROM (
      SELECT
        s.request_id AS session_id,
        LEAST(
          GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
          timestamp '9999-12-31 23:59:59.999'
        ) AS started_at,
        CASE
          WHEN s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN GREATEST(s."endTime", timestamp '1970-01-01 00:00:00')
          ELSE LEAST(
            GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
            timestamp '9999-12-31 23:59:59.999'
          )
        END AS ended_at,
        CASE
          WHEN s."endTime" > s."startTime"
          AND s."startTime" >= timestamp '1970-01-01 00:00:00'
          AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
          ELSE 0
        END AS duration_ms,
        COALESCE(
          NULLIF(p.metadata #>> '{spend_logs_metadata,agent_name}', ''),
          NULLIF(p.metadata ->> 'agent_name', ''),
          NULLIF(
            (
              '"' || substring(
                p.metadata ->> 'proxy_server_request'
                from
                  '"agent_name"\s*:\s*"((?:[^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*)"'
              ) || '"'
            )::jsonb #>> '{}',
            ''
          ),
          NULLIF(
            substr(
              jsonb_path_query_first(s.request_tags, '$[*] ? (@ starts with "agent:" && @ != "agent:")') #>> '{}',
              7
            ),
            ''
          )
        ) AS agent_name,
        COALESCE(
          NULLIF(p.metadata #>> '{spend_logs_metadata,conversation_name}', ''),
          NULLIF(p.metadata ->> 'conversation_name', ''),
          NULLIF(
            (
              '"' || substring(
                p.metadata ->> 'proxy_server_request'
                from
                  '"conversation_name"\s*:\s*"((?:[^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*)"'
              ) || '"'
            )::jsonb #>> '{}',
            ''
          )
        ) AS conversation_name,
        NULLIF(s."user", '') AS user_id,
        NULLIF(s.end_user, '') AS end_user,
        NULLIF(s.model, '') AS model,
        COALESCE(
          NULLIF(s.model_group, ''),
          NULLIF(
            CASE
              WHEN s.custom_llm_provider <> ''
              AND starts_with(s.model, s.custom_llm_provider || '/') THEN substr(s.model, length(s.custom_llm_provider) + 2)
              ELSE s.model
            END,
            ''
          )
        ) AS model_group,
        CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
        s.prompt_tokens AS prompt_tokens,
        s.completion_tokens AS completion_tokens,
        COALESCE(
          CASE
            jsonb_typeof(p.metadata #> '{usage_object,prompt_tokens_details,cached_tokens}')
            WHEN 'number' THEN LEAST(
              GREATEST((p.metadata #> '{usage_object,prompt_tokens_details,cached_tokens}')::numeric, 0),
              2147483647
            )::bigint
          END,
          CASE
            jsonb_typeof(p.metadata #> '{usage_object,cache_read_input_tokens}')
            WHEN 'number' THEN LEAST(
              GREATEST((p.metadata #> '{usage_object,cache_read_input_tokens}')::numeric, 0),
              2147483647
            )::bigint
          END,
          CASE
            jsonb_typeof(p.metadata #> '{additional_usage_values,prompt_tokens_details,cached_tokens}')
            WHEN 'number' THEN LEAST(
              GREATEST(
                (p.metadata #> '{additional_usage_values,prompt_tokens_details,cached_tokens}')::numeric,
                0
              ),
              2147483647
            )::bigint
          END,
          CASE
            jsonb_typeof(p.metadata #> '{additional_usage_values,cache_read_input_tokens}')
            WHEN 'number' THEN LEAST(
              GREATEST((p.metadata #> '{additional_usage_values,cache_read_input_tokens}')::numeric, 0),
              2147483647
            )::bigint
          END
        ) AS cached_tokens,
        s.total_tokens AS total_tokens,
        CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
        COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit,
        CASE
          WHEN s.call_type = 'call_mcp_tool' THEN 1
          WHEN s.call_type IN ('aembedding', 'embedding') THEN 0
          WHEN (s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%') THEN CASE
            WHEN (
              s.response IS NULL
              OR pg_column_size(s.response) < 100
              AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
            ) THEN 0
            ELSE 0
          END
          ELSE CASE
            WHEN s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0))' THEN CASE
              WHEN s.response @? 'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.size() > 0 || @.provider_specific_fields.server_tool_calls.size() > 0 || @.provider_specific_fields.web_search_calls.size() > 0 || @.function_call.type() == "object" || @.content.size() > 0)' THEN jsonb_array_length(
                jsonb_path_query_array(
                  s.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                )
              ) + jsonb_array_length(
                jsonb_path_query_array(
                  s.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.server_tool_calls.type() == "array").server_tool_calls[*] ? (@.type() == "object" && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.id.type() == "string").id))))'
                )
              ) + jsonb_array_length(
                jsonb_path_query_array(
                  s.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.web_search_calls.type() == "array").web_search_calls[*] ? (@.type() == "object" && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.id.type() == "string").id))) && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.server_tool_calls.type() == "array").server_tool_calls[*] ? (@.id.type() == "string").id))))'
                )
              ) + jsonb_array_length(
                jsonb_path_query_array(
                  s.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.function_call.type() == "object").function_call'
                )
              ) + jsonb_array_length(
                jsonb_path_query_array(
                  s.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
              )
              ELSE 0
            END
            WHEN s.response @? 'strict $ ? ((@.output.type() == "array" && @.output.size() > 0))' THEN jsonb_array_length(
              jsonb_path_query_array(
                s.response,
                'strict $ ? (@.output.type() == "array").output[*] ? (@.type like_regex "_call$")'
              )
            )
            ELSE CASE
              WHEN (
                s.response IS NULL
                OR pg_column_size(s.response) < 100
                AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
              ) THEN 0
              ELSE CASE
                WHEN s.response @? 'strict $ ? ((@.candidates.type() == "array" && @.candidates.size() > 0))' THEN jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.candidates.type() == "array").candidates[*] ? (@.content.type() == "object").content ? (@.parts.type() == "array").parts[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                  )
                )
                WHEN (
                  s.response @? 'strict $ ? ((@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))))'
                  OR jsonb_typeof(s.response) = 'array'
                  AND s.response @? 'strict $[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$")'
                ) THEN COALESCE(
                  NULLIF(
                    jsonb_array_length(
                      jsonb_path_query_array(
                        CASE
                          jsonb_typeof(s.response)
                          WHEN 'array' THEN s.response
                          ELSE jsonb_path_query_first(
                            s.response,
                            'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                          )
                        END,
                        'strict $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.type like_regex "_call$")'
                      )
                    ) + jsonb_array_length(
                      jsonb_path_query_array(
                        CASE
                          jsonb_typeof(s.response)
                          WHEN 'array' THEN s.response
                          ELSE jsonb_path_query_first(
                            s.response,
                            'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                          )
                        END,
                        'strict $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.]done$" && @.item.type() == "object").item ? (@.type like_regex "_call$" && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.id.type() == "string").id))))'
                      )
                    ) + jsonb_array_length(
                      jsonb_path_query_array(
                        CASE
                          jsonb_typeof(s.response)
                          WHEN 'array' THEN s.response
                          ELSE jsonb_path_query_first(
                            s.response,
                            'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                          )
                        END,
                        'strict $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.](added|created|create)$" && @.item.type() == "object").item ? (@.type like_regex "_call$" && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.id.type() == "string").id))) && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.]done$" && @.item.type() == "object").item ? (@.id.type() == "string").id))))'
                      )
                    ),
                    0
                  ),
                  jsonb_array_length(
                    jsonb_path_query_array(
                      s.response,
                      'strict $ ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                    )
                  )
                )
                WHEN s.response @? 'strict $ ? (@.output.message.type() == "object")' THEN jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.output.type() == "object").output ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                  )
                )
                WHEN s.response @? 'strict $ ? ((@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0))' THEN jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.steps.type() == "array").steps[*] ? (@.type like_regex "_call$")'
                  )
                ) + jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.outputs.type() == "array").outputs[*] ? (@.type like_regex "_call$")'
                  )
                )
                WHEN s.response @? 'strict $ ? (@.message.type() == "object")' THEN jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                  )
                ) + jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.message.type() == "object").message ? (@.function_call.type() == "object").function_call'
                  )
                ) + jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                  )
                )
                WHEN s.response @? 'strict $ ? ((@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")' THEN jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                  )
                ) + jsonb_array_length(
                  jsonb_path_query_array(s.response, 'strict $ ? (@.function_call.type() == "object").function_call')
                ) + jsonb_array_length(
                  jsonb_path_query_array(
                    s.response,
                    'strict $ ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                  )
                )
                ELSE CASE
                  WHEN (
                    jsonb_typeof(s.response) = 'string'
                    OR s.response @? 'strict $ ? (@.text.type() == "string" || @.output.type() == "string" || @.result.type() == "string" || @.response.type() == "string" || @.response.type() == "object" || @.response.type() == "array")'
                    AND NOT COALESCE(
                      s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0) || (@.output.type() == "array" && @.output.size() > 0) || (@.candidates.type() == "array" && @.candidates.size() > 0) || (@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || @.output.message.type() == "object" || (@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0) || @.message.type() == "object" || (@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")',
                      false
                    )
                  ) THEN COALESCE(
                    jsonb_array_length(
                      jsonb_path_query_array(
                        CASE
                          WHEN CASE
                            jsonb_typeof(s.response)
                            WHEN 'string' THEN s.response #>> '{}'
                            WHEN 'object' THEN jsonb_path_query_first(
                              s.response,
                              'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                            ) #>> '{}'
                          END IS NULL THEN s.response -> 'response'
                          WHEN CASE
                            WHEN length(
                              CASE
                                jsonb_typeof(s.response)
                                WHEN 'string' THEN s.response #>> '{}'
                                WHEN 'object' THEN jsonb_path_query_first(
                                  s.response,
                                  'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                                ) #>> '{}'
                              END
                            ) <= 200000
                            AND CASE
                              jsonb_typeof(s.response)
                              WHEN 'string' THEN s.response #>> '{}'
                              WHEN 'object' THEN jsonb_path_query_first(
                                s.response,
                                'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                              ) #>> '{}'
                            END ~ '^[ \t\n\r]*[{\[]' THEN regexp_replace(
                              regexp_replace(
                                regexp_replace(
                                  regexp_replace(
                                    regexp_replace(
                                      regexp_replace(
                                        regexp_replace(
                                          regexp_replace(
                                            regexp_replace(
                                              regexp_replace(
                                                regexp_replace(
                                                  regexp_replace(
                                                    regexp_replace(
                                                      regexp_replace(
                                                        regexp_replace(
                                                          regexp_replace(
                                                            regexp_replace(
                                                              regexp_replace(
                                                                CASE
                                                                  jsonb_typeof(s.response)
                                                                  WHEN 'string' THEN s.response #>> '{}'
                                                                  WHEN 'object' THEN jsonb_path_query_first(
                                                                    s.response,
                                                                    'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                                                                  ) #>> '{}'
                                                                END,
                                                                '"(?:[^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"',
                                                                '""',
                                                                'g'
                                                              ),
                                                              '-?(?:0|[1-9][0-9]{0,99})(?:[.][0-9]{1,99})?(?:[eE][+-]?[0-9]{1,2})?|true|false|null',
                                                              '0',
                                                              'g'
                                                            ),
                                                            '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                            '0',
                                                            'g'
                                                          ),
                                                          '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                          '0',
                                                          'g'
                                                        ),
                                                        '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                        '0',
                                                        'g'
                                                      ),
                                                      '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                      '0',
                                                      'g'
                                                    ),
                                                    '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                    '0',
                                                    'g'
                                                  ),
                                                  '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                  '0',
                                                  'g'
                                                ),
                                                '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                '0',
                                                'g'
                                              ),
                                              '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                              '0',
                                              'g'
                                            ),
                                            '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                            '0',
                                            'g'
                                          ),
                                          '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                          '0',
                                          'g'
                                        ),
                                        '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                        '0',
                                        'g'
                                      ),
                                      '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                      '0',
                                      'g'
                                    ),
                                    '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                    '0',
                                    'g'
                                  ),
                                  '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                  '0',
                                  'g'
                                ),
                                '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                '0',
                                'g'
                              ),
                              '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                              '0',
                              'g'
                            ) ~ '^[ \t\n\r]*0[ \t\n\r]*$'
                            ELSE false
                          END THEN (
                            CASE
                              jsonb_typeof(s.response)
                              WHEN 'string' THEN s.response #>> '{}'
                              WHEN 'object' THEN jsonb_path_query_first(
                                s.response,
                                'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                              ) #>> '{}'
                            END
                          )::jsonb
                        END,
                        'strict $.**{0 to 6} ? (@.type like_regex "(tool_use|_call)$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object" || @.function.type() == "object" || @.custom.type() == "object")'
                      )
                    ),
                    0
                  )
                  ELSE 0
                END
              END
            END
          END
        END::bigint AS tool_calls,
        (
          s.call_type = 'call_mcp_tool'
          OR s.call_type IN ('aembedding', 'embedding')
          OR CASE
            WHEN (
              s.response IS NULL
              OR pg_column_size(s.response) < 100
              AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
            ) THEN CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END = 'failure'
            WHEN (s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%')
            OR s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0) || (@.output.type() == "array" && @.output.size() > 0) || (@.candidates.type() == "array" && @.candidates.size() > 0) || (@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || @.output.message.type() == "object" || (@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0) || @.message.type() == "object" || (@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")' THEN true
            ELSE NOT COALESCE(
              CASE
                WHEN jsonb_typeof(s.response) = 'array' THEN (
                  s.response @? 'strict $.**{0 to 6} ? (@.server_tool_calls.size() > 0 || @.web_search_calls.size() > 0 || @.tool_calls.size() > 0 || @.type like_regex "(tool_use|_call)$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object" || @.function.type() == "object" || @.custom.type() == "object")'
                  OR s.response @? 'strict $ ? (@.text like_regex "^[[:space:]]*[{[]|data:" || @.output like_regex "^[[:space:]]*[{[]|data:" || @.result like_regex "^[[:space:]]*[{[]|data:" || @.response like_regex "^[[:space:]]*[{[]|data:" || @.response.type() == "object" || @.response.type() == "array")'
                )
                AND NOT s.response @? 'strict $[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$")'
                WHEN NOT (
                  jsonb_typeof(s.response) = 'string'
                  OR s.response @? 'strict $ ? (@.text.type() == "string" || @.output.type() == "string" || @.result.type() == "string" || @.response.type() == "string" || @.response.type() == "object" || @.response.type() == "array")'
                  AND NOT COALESCE(
                    s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0) || (@.output.type() == "array" && @.output.size() > 0) || (@.candidates.type() == "array" && @.candidates.size() > 0) || (@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || @.output.message.type() == "object" || (@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0) || @.message.type() == "object" || (@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")',
                    false
                  )
                ) THEN false
                WHEN CASE
                  jsonb_typeof(s.response)
                  WHEN 'string' THEN s.response #>> '{}'
                  WHEN 'object' THEN jsonb_path_query_first(
                    s.response,
                    'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                  ) #>> '{}'
                END ~ '^\s*[{\[]' THEN CASE
                  WHEN CASE
                    WHEN length(
                      CASE
                        jsonb_typeof(s.response)
                        WHEN 'string' THEN s.response #>> '{}'
                        WHEN 'object' THEN jsonb_path_query_first(
                          s.response,
                          'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                        ) #>> '{}'
                      END
                    ) <= 200000
                    AND CASE
                      jsonb_typeof(s.response)
                      WHEN 'string' THEN s.response #>> '{}'
                      WHEN 'object' THEN jsonb_path_query_first(
                        s.response,
                        'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                      ) #>> '{}'
                    END ~ '^[ \t\n\r]*[{\[]' THEN regexp_replace(
                      regexp_replace(
                        regexp_replace(
                          regexp_replace(
                            regexp_replace(
                              regexp_replace(
                                regexp_replace(
                                  regexp_replace(
                                    regexp_replace(
                                      regexp_replace(
                                        regexp_replace(
                                          regexp_replace(
                                            regexp_replace(
                                              regexp_replace(
                                                regexp_replace(
                                                  regexp_replace(
                                                    regexp_replace(
                                                      regexp_replace(
                                                        CASE
                                                          jsonb_typeof(s.response)
                                                          WHEN 'string' THEN s.response #>> '{}'
                                                          WHEN 'object' THEN jsonb_path_query_first(
                                                            s.response,
                                                            'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                                                          ) #>> '{}'
                                                        END,
                                                        '"(?:[^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"',
                                                        '""',
                                                        'g'
                                                      ),
                                                      '-?(?:0|[1-9][0-9]{0,99})(?:[.][0-9]{1,99})?(?:[eE][+-]?[0-9]{1,2})?|true|false|null',
                                                      '0',
                                                      'g'
                                                    ),
                                                    '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                    '0',
                                                    'g'
                                                  ),
                                                  '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                  '0',
                                                  'g'
                                                ),
                                                '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                                '0',
                                                'g'
                                              ),
                                              '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                              '0',
                                              'g'
                                            ),
                                            '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                            '0',
                                            'g'
                                          ),
                                          '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                          '0',
                                          'g'
                                        ),
                                        '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                        '0',
                                        'g'
                                      ),
                                      '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                      '0',
                                      'g'
                                    ),
                                    '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                    '0',
                                    'g'
                                  ),
                                  '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                  '0',
                                  'g'
                                ),
                                '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                                '0',
                                'g'
                              ),
                              '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                              '0',
                              'g'
                            ),
                            '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                            '0',
                            'g'
                          ),
                          '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                          '0',
                          'g'
                        ),
                        '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                        '0',
                        'g'
                      ),
                      '\{(?:[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*""[ \t\n\r]*:[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\}|\[(?:[ \t\n\r]*(?:""|0)[ \t\n\r]*(?:,[ \t\n\r]*(?:""|0)[ \t\n\r]*)*|[ \t\n\r]*)\]',
                      '0',
                      'g'
                    ) ~ '^[ \t\n\r]*0[ \t\n\r]*$'
                    ELSE false
                  END THEN (
                    (
                      CASE
                        jsonb_typeof(s.response)
                        WHEN 'string' THEN s.response #>> '{}'
                        WHEN 'object' THEN jsonb_path_query_first(
                          s.response,
                          'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                        ) #>> '{}'
                      END
                    )::jsonb @? 'strict $.**{0 to 6} ? (@.server_tool_calls.size() > 0 || @.web_search_calls.size() > 0 || @.tool_calls.size() > 0 || @.type like_regex "(tool_use|_call)$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object" || @.function.type() == "object" || @.custom.type() == "object")'
                    OR (
                      CASE
                        jsonb_typeof(s.response)
                        WHEN 'string' THEN s.response #>> '{}'
                        WHEN 'object' THEN jsonb_path_query_first(
                          s.response,
                          'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                        ) #>> '{}'
                      END
                    )::jsonb @? 'strict $ ? (@.text like_regex "^[[:space:]]*[{[]|data:" || @.output like_regex "^[[:space:]]*[{[]|data:" || @.result like_regex "^[[:space:]]*[{[]|data:" || @.response like_regex "^[[:space:]]*[{[]|data:" || @.response.type() == "object" || @.response.type() == "array")'
                  )
                  ELSE true
                END
                WHEN CASE
                  jsonb_typeof(s.response)
                  WHEN 'string' THEN s.response #>> '{}'
                  WHEN 'object' THEN jsonb_path_query_first(
                    s.response,
                    'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                  ) #>> '{}'
                END ~ '(^|\n)data:' THEN true
                WHEN CASE
                  jsonb_typeof(s.response)
                  WHEN 'string' THEN s.response #>> '{}'
                  WHEN 'object' THEN jsonb_path_query_first(
                    s.response,
                    'strict $.keyvalue() ? ((@.key == "text" || @.key == "output" || @.key == "result" || @.key == "response") && @.value.type() == "string").value'
                  ) #>> '{}'
                END IS NULL THEN (
                  (s.response -> 'response') @? 'strict $.**{0 to 6} ? (@.server_tool_calls.size() > 0 || @.web_search_calls.size() > 0 || @.tool_calls.size() > 0 || @.type like_regex "(tool_use|_call)$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object" || @.function.type() == "object" || @.custom.type() == "object")'
                  OR (s.response -> 'response') @? 'strict $ ? (@.text like_regex "^[[:space:]]*[{[]|data:" || @.output like_regex "^[[:space:]]*[{[]|data:" || @.result like_regex "^[[:space:]]*[{[]|data:" || @.response like_regex "^[[:space:]]*[{[]|data:" || @.response.type() == "object" || @.response.type() == "array")'
                )
                ELSE false
              END,
              true
            )
          END
        ) AS tool_calls_exact
      FROM
        "LiteLLM_SpendLogs" s
        CROSS JOIN LATERAL (
          SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
        ) p
      WHERE s.request_id = k.session_id
    ) AS e
    GROUP BY e.session_id
  ) AS t;
