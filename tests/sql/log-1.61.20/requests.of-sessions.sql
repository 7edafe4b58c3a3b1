WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    NULL::text AS call_id,
    s.request_id AS session_id,
    s."startTime" AS started_at,
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
    CASE
      WHEN s."completionStartTime" >= s."startTime"
      AND s."startTime" >= timestamp '1970-01-01 00:00:00'
      AND s."endTime" <= timestamp '9999-12-31 23:59:59.999'
      AND LEAST(
        GREATEST(s."endTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) - LEAST(
        GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      ) > interval '1 millisecond' THEN LEAST(
        trunc(
          EXTRACT(
            EPOCH
            FROM (
              LEAST(
                GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
                timestamp '9999-12-31 23:59:59.999'
              ) - s."startTime"
            )
          ) * 1000
        ),
        2147483647
      )::bigint
    END AS ttft_ms,
    NULLIF(s."user", '') AS user_id,
    NULLIF(s.end_user, '') AS end_user,
    NULLIF(s.team_id, '') AS team_id,
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
    NULLIF(s.custom_llm_provider, '') AS provider,
    NULLIF(s.call_type, '') AS call_type,
    CASE WHEN p.metadata ->> 'status' = 'failure' THEN 'failure' ELSE 'success' END AS status,
    NULLIF(p.metadata #>> '{error_information,error_class}', '') AS error_class,
    s.prompt_tokens AS prompt_tokens,
    s.completion_tokens AS completion_tokens,
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
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags,
    CASE
      WHEN s.call_type = 'call_mcp_tool' THEN NULLIF(
        array_remove(ARRAY[NULLIF(s.metadata #>> '{mcp_tool_call_metadata,name}', '')], NULL),
        '{}'
      )
      WHEN s.call_type IN ('aembedding', 'embedding')
      OR (
        s.response IS NULL
        OR pg_column_size(s.response) < 100
        AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
      )
      OR (s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%')
      OR s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0))'
      AND NOT s.response @? 'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.size() > 0 || @.provider_specific_fields.server_tool_calls.size() > 0 || @.provider_specific_fields.web_search_calls.size() > 0 || @.function_call.type() == "object" || @.content.size() > 0)' THEN NULL::text[]
      ELSE (
        SELECT array_agg(DISTINCT n.name COLLATE "C")
        FROM (
          SELECT unnest(NULL::text[])
          UNION ALL
          SELECT
            COALESCE(
              jsonb_path_query_first(c.call, '$.function.name ? (@.type() == "string" && @ != "")') #>> '{}',
              jsonb_path_query_first(c.call, '$.custom.name ? (@.type() == "string" && @ != "")') #>> '{}',
              jsonb_path_query_first(c.call, '$.name ? (@.type() == "string" && @ != "")') #>> '{}',
              jsonb_path_query_first(c.call, '$.functionCall.name ? (@.type() == "string" && @ != "")') #>> '{}',
              jsonb_path_query_first(c.call, '$.function_call.name ? (@.type() == "string" && @ != "")') #>> '{}',
              jsonb_path_query_first(c.call, '$.toolUse.name ? (@.type() == "string" && @ != "")') #>> '{}',
              NULLIF(CASE WHEN c.call ->> 'type' LIKE '%\_call' THEN left(c.call ->> 'type', -5) END, '')
            )
          FROM
            (
              SELECT CASE
                WHEN (
                  jsonb_typeof(s.response) = 'string'
                  OR s.response @? 'strict $ ? (@.text.type() == "string" || @.output.type() == "string" || @.result.type() == "string" || @.response.type() == "string" || @.response.type() == "object" || @.response.type() == "array")'
                  AND NOT COALESCE(
                    s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0) || (@.output.type() == "array" && @.output.size() > 0) || (@.candidates.type() == "array" && @.candidates.size() > 0) || (@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || @.output.message.type() == "object" || (@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0) || @.message.type() == "object" || (@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")',
                    false
                  )
                ) THEN CASE
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
                END
                ELSE s.response
              END AS response OFFSET 0
            ) r,
            jsonb_array_elements(
              CASE
                WHEN r.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0))' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.server_tool_calls.type() == "array").server_tool_calls[*] ? (@.type() == "object" && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.id.type() == "string").id))))'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.web_search_calls.type() == "array").web_search_calls[*] ? (@.type() == "object" && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.id.type() == "string").id))) && !(exists(@ ? (@.id == $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.provider_specific_fields.type() == "object").provider_specific_fields ? (@.server_tool_calls.type() == "array").server_tool_calls[*] ? (@.id.type() == "string").id))))'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.function_call.type() == "object").function_call'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
                WHEN r.response @? 'strict $ ? ((@.output.type() == "array" && @.output.size() > 0))' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.output.type() == "array").output[*] ? (@.type like_regex "_call$")'
                )
                WHEN r.response @? 'strict $ ? ((@.candidates.type() == "array" && @.candidates.size() > 0))' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.candidates.type() == "array").candidates[*] ? (@.content.type() == "object").content ? (@.parts.type() == "array").parts[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
                WHEN (
                  r.response @? 'strict $ ? ((@.events.type() == "array" && exists(@.events[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.results.type() == "array" && exists(@.results[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))) || (@.response.type() == "array" && exists(@.response[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))))'
                  OR jsonb_typeof(r.response) = 'array'
                  AND r.response @? 'strict $[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$")'
                ) THEN COALESCE(
                  NULLIF(
                    jsonb_path_query_array(
                      CASE
                        jsonb_typeof(r.response)
                        WHEN 'array' THEN r.response
                        ELSE jsonb_path_query_first(
                          r.response,
                          'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                        )
                      END,
                      'strict $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.type like_regex "_call$")'
                    ) || jsonb_path_query_array(
                      CASE
                        jsonb_typeof(r.response)
                        WHEN 'array' THEN r.response
                        ELSE jsonb_path_query_first(
                          r.response,
                          'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                        )
                      END,
                      'strict $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.]done$" && @.item.type() == "object").item ? (@.type like_regex "_call$" && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.id.type() == "string").id))))'
                    ) || jsonb_path_query_array(
                      CASE
                        jsonb_typeof(r.response)
                        WHEN 'array' THEN r.response
                        ELSE jsonb_path_query_first(
                          r.response,
                          'strict $.keyvalue() ? ((@.key == "events" || @.key == "results" || @.key == "response") && @.value.type() == "array" && exists(@.value[*] ? (@.type like_regex "^[a-z_]+[.][a-z_.]+$"))).value'
                        )
                      END,
                      'strict $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.](added|created|create)$" && @.item.type() == "object").item ? (@.type like_regex "_call$" && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^response[.](done|completed|incomplete|failed|cancelled)$" && @.response.output.type() == "array").response.output[*] ? (@.id.type() == "string").id))) && !(exists(@ ? (@.id == $[*] ? (@.type like_regex "^(response[.]output_item|conversation[.]item)[.]done$" && @.item.type() == "object").item ? (@.id.type() == "string").id))))'
                    ),
                    '[]'
                  ),
                  jsonb_path_query_array(
                    r.response,
                    'strict $ ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                  )
                )
                WHEN r.response @? 'strict $ ? (@.output.message.type() == "object")' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.output.type() == "object").output ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
                WHEN r.response @? 'strict $ ? ((@.steps.type() == "array" && @.steps.size() > 0) || (@.outputs.type() == "array" && @.outputs.size() > 0))' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.steps.type() == "array").steps[*] ? (@.type like_regex "_call$")'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.outputs.type() == "array").outputs[*] ? (@.type like_regex "_call$")'
                )
                WHEN r.response @? 'strict $ ? (@.message.type() == "object")' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.message.type() == "object").message ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.message.type() == "object").message ? (@.function_call.type() == "object").function_call'
                ) || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.message.type() == "object").message ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
                WHEN r.response @? 'strict $ ? ((@.content.type() == "array" && @.content.size() > 0) || @.content.type() == "object" || (@.content.type() == "string" && @.content != "") || (@.tool_calls.type() == "array" && @.tool_calls.size() > 0) || @.function_call.type() == "object")' THEN jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.tool_calls.type() == "array").tool_calls[*] ? (@.type() == "object")'
                ) || jsonb_path_query_array(r.response, 'strict $ ? (@.function_call.type() == "object").function_call') || jsonb_path_query_array(
                  r.response,
                  'strict $ ? (@.content.type() == "array").content[*] ? (@.type like_regex "^(mcp_|server_)?tool_use$" || @.functionCall.type() == "object" || @.function_call.type() == "object" || @.toolUse.type() == "object")'
                )
                ELSE '[]'
              END
            ) AS c(call)
        ) AS n(name)
        WHERE n.name <> ''
      )
    END AS tools
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT s.metadata || '{}'::jsonb AS metadata, NULL::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s."startTime" >= $1 AND s."startTime" < $2 AND s.request_id = ANY($3)
)
SELECT
  f.request_id,
  f.call_id AS litellm_call_id,
  f.session_id,
  COALESCE(f.user_id, 'unknown') AS user_id,
  f.end_user,
  f.team_id,
  COALESCE(f.model, '') AS model,
  f.model_group,
  f.provider,
  f.call_type,
  f.status,
  f.started_at AT TIME ZONE 'UTC' AS request_start,
  f.ended_at AT TIME ZONE 'UTC' AS request_end,
  f.duration_ms / 1000.0::float8 AS total_time,
  f.ttft_ms / 1000.0::float8 AS time_to_first_token,
  f.prompt_tokens::bigint,
  f.completion_tokens::bigint,
  f.total_tokens::bigint,
  f.spend AS cost,
  f.cache_hit,
  ARRAY(
    SELECT DISTINCT j.value #>> '{}'
    FROM jsonb_array_elements(f.tags) AS j(value)
    WHERE jsonb_typeof(j.value) = 'string'
    ORDER BY 1
  ) AS tags
FROM requests AS f
WHERE
  f.session_id = ANY($4)
  AND COALESCE(f.call_type, 'unknown') = $5
  AND f.spend::numeric >= $6::numeric
  AND f.total_tokens >= $7
  AND f.duration_ms / 1000.0::float8 >= $8
  AND f.status = 'failure'
  AND COALESCE(f.error_class, 'unknown') = $9
  AND (f.tool_calls > 0) = $10
  AND f.tools && $11::text[]
ORDER BY f.started_at DESC, f.request_id DESC
LIMIT $12 OFFSET $13;
