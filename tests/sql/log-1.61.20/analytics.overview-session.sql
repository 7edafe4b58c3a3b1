WITH
requests AS (
  SELECT
    s.request_id AS session_id,
    s."startTime" AS started_at,
    CASE
      WHEN s."endTime" > s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
      ELSE 0
    END AS duration_ms,
    NULLIF(s.end_user, '') AS end_user,
    CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
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
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2 AND s.request_id = ANY($3)
),
partials AS (
  SELECT
    ''::text AS k1,
    ''::text AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (count(*) FILTER (WHERE f.status = 'failure'))::bigint AS failed_requests,
    (count(*) FILTER (WHERE f.cache_hit))::bigint AS cache_hits,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend,
    (COALESCE(sum(f.duration_ms), 0))::bigint AS duration_ms,
    (COALESCE(sum(f.tool_calls), 0))::bigint AS tool_calls
  FROM requests AS f
  WHERE f.session_id = $4 AND COALESCE(f.end_user, 'unknown') = $5 AND (f.tags ?| $6::text[])
  GROUP BY 1, 2, 3
),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $7
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE '{}'::text[] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.failed_requests), 0))::bigint AS failed_requests,
  (COALESCE(sum(p.cache_hits), 0))::bigint AS cache_hits,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  (COALESCE(sum(p.duration_ms), 0))::bigint AS duration_ms,
  (COALESCE(sum(p.tool_calls), 0))::bigint AS tool_calls,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE((sum(p.duration_ms) / NULLIF(sum(p.requests), 0) / 1000)::float8, 0) AS avg_duration
FROM partials AS p JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

WITH
requests AS (
  SELECT
    s.request_id AS session_id,
    s."startTime" AS started_at,
    NULLIF(s."user", '') AS user_id,
    NULLIF(s.end_user, '') AS end_user,
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2 AND s.request_id = ANY($3)
)
SELECT
  count(DISTINCT d.session_id),
  count(DISTINCT d.user_id) FILTER (WHERE d.user_id <> 'unknown')
FROM (
  SELECT DISTINCT f.session_id, f.user_id
  FROM requests AS f
  WHERE f.session_id = $4
    AND COALESCE(f.end_user, 'unknown') = $5 AND (f.tags ?| $6::text[])
) AS d;
