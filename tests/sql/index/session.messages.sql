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

WITH
requests AS (
  SELECT s.request_id, s.started_at
  FROM
    traceability.requests s
    JOIN traceability.sessions b ON b.session_id = s.session_id
    AND s.started_at >= b.session_start
    AND s.started_at <= b.last_activity
  WHERE b.session_id = $1
)
SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at
FROM requests AS f
ORDER BY f.started_at, f.request_id
LIMIT $2;

WITH
requests AS (
  SELECT
    s.request_id,
    s.call_id,
    s.session_id,
    s.user_id,
    s.started_at,
    s.model,
    s.model_group,
    s.call_type,
    s.status,
    s.prompt_tokens,
    s.completion_tokens,
    s.total_tokens,
    s.spend,
    s.duration_ms,
    s.cache_hit,
    s.tool_calls,
    NULL::jsonb AS messages,
    NULL::jsonb AS proxy_server_request,
    false AS has_request_metadata,
    NULL::jsonb AS response,
    NULL::text AS logged_request,
    NULL::jsonb AS mcp_tool_call,
    NULL::text AS cold_storage_object_key,
    NULL::jsonb AS error_information,
    NULL::bigint AS logged_length,
    true AS deleted
  FROM traceability.requests s
  WHERE s.request_id = ANY($1)
)
SELECT
  f.request_id,
  f.call_id,
  f.session_id,
  f.user_id AS owner,
  f.started_at AT TIME ZONE 'UTC' AS started_at,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.call_type,
  f.status,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  f.duration_ms::bigint AS duration_ms,
  f.cache_hit,
  f.tool_calls,
  messages,
  proxy_server_request,
  has_request_metadata,
  response,
  logged_request,
  mcp_tool_call,
  cold_storage_object_key,
  error_information,
  logged_length,
  deleted
FROM requests AS f
WHERE f.started_at >= $2 AND f.started_at <= $3;

WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    NULLIF(s.litellm_call_id, '') AS call_id,
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    NULLIF(s."user", '') AS user_id,
    LEAST(
      GREATEST(s."startTime", timestamp '1970-01-01 00:00:00'),
      timestamp '9999-12-31 23:59:59.999'
    ) AS started_at,
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
    NULLIF(s.call_type, '') AS call_type,
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend,
    COALESCE(
      CASE WHEN s.request_duration_ms >= 0 THEN s.request_duration_ms::bigint END,
      CASE
        WHEN s."endTime" > s."startTime"
        AND s."startTime" >= timestamp '1970-01-01 00:00:00'
        AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
        ELSE 0
      END
    ) AS duration_ms,
    COALESCE(lower(s.cache_hit) = 'true', false) AS cache_hit,
    CASE
      WHEN s.call_type = 'call_mcp_tool' THEN 1
      WHEN s.call_type IN ('aembedding', 'embedding') THEN 0
      WHEN (s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%') THEN CASE
        WHEN (
          s.response IS NULL
          OR pg_column_size(s.response) < 100
          AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
        ) THEN (SELECT count(*) FROM "LiteLLM_SpendLogToolIndex" t WHERE t.request_id = s.request_id)
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
          ) THEN (SELECT count(*) FROM "LiteLLM_SpendLogToolIndex" t WHERE t.request_id = s.request_id)
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
    s.messages AS messages,
    CASE
      jsonb_typeof(p.proxy_server_request)
      WHEN 'object' THEN p.proxy_server_request - '{metadata,litellm_metadata,headers,proxy_server_request,secret_fields,provider_specific_header,litellm_params,user_api_key_auth}'::text[]
      ELSE s.proxy_server_request
    END AS proxy_server_request,
    COALESCE(p.proxy_server_request ?| '{metadata,litellm_metadata}', false) AS has_request_metadata,
    s.response AS response,
    p.metadata ->> 'proxy_server_request' AS logged_request,
    p.metadata -> 'mcp_tool_call_metadata' AS mcp_tool_call,
    NULLIF(p.metadata ->> 'cold_storage_object_key', '') AS cold_storage_object_key,
    p.metadata -> 'error_information' AS error_information,
    (NULL)::bigint AS logged_length,
    false AS deleted
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT
        s.metadata || '{}'::jsonb AS metadata,
        s.proxy_server_request || '{}'::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s.request_id = ANY($1)
)
SELECT
  f.request_id,
  f.call_id,
  f.session_id,
  f.user_id AS owner,
  f.started_at AT TIME ZONE 'UTC' AS started_at,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.call_type,
  f.status,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  f.duration_ms::bigint AS duration_ms,
  f.cache_hit,
  f.tool_calls,
  messages,
  proxy_server_request,
  has_request_metadata,
  response,
  logged_request,
  mcp_tool_call,
  cold_storage_object_key,
  error_information,
  logged_length,
  deleted
FROM requests AS f
WHERE f.started_at >= $2 AND f.started_at <= $3
ORDER BY f.started_at, f.request_id;
