WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    NULLIF(s.litellm_call_id, '') AS call_id,
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    (NULLIF(s.session_id, '') IS NULL) AS session_is_generated,
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
    COALESCE(
      CASE WHEN s.request_duration_ms >= 0 THEN s.request_duration_ms::bigint END,
      CASE
        WHEN s."endTime" > s."startTime"
        AND s."startTime" >= timestamp '1970-01-01 00:00:00'
        AND s."endTime" <= timestamp '9999-12-31 23:59:59.999' THEN LEAST(trunc(EXTRACT(EPOCH FROM (s."endTime" - s."startTime")) * 1000), 2147483647)::bigint
        ELSE 0
      END
    ) AS duration_ms,
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
    COALESCE(
      NULLIF(p.metadata #>> '{spend_logs_metadata,agent_name}', ''),
      NULLIF(p.metadata ->> 'agent_name', ''),
      NULLIF(p.proxy_server_request #>> '{metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{metadata,requester_metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{litellm_metadata,agent_name}', ''),
      NULLIF(p.proxy_server_request #>> '{litellm_metadata,requester_metadata,agent_name}', ''),
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
      NULLIF((SELECT a.agent_name FROM "LiteLLM_AgentsTable" a WHERE a.agent_id = s.agent_id), ''),
      NULLIF(CASE WHEN s.custom_llm_provider = 'a2a_agent' THEN substr(s.model, 11) END, ''),
      NULLIF(s.agent_id, ''),
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
      NULLIF(p.proxy_server_request #>> '{metadata,conversation_name}', ''),
      NULLIF(p.proxy_server_request #>> '{metadata,requester_metadata,conversation_name}', ''),
      NULLIF(p.proxy_server_request #>> '{litellm_metadata,conversation_name}', ''),
      NULLIF(
        p.proxy_server_request #>> '{litellm_metadata,requester_metadata,conversation_name}',
        ''
      ),
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
    NULLIF(s.team_id, '') AS team_id,
    NULLIF(s.organization_id, '') AS organization_id,
    CASE
      WHEN (
        octet_length(s.api_key) = 64
        AND s.api_key !~ '[^0-9A-Fa-f]'
        OR s.api_key IN ('litellm_proxy_master_key', 'litellm-internal-health-check')
      ) THEN s.api_key::text
      WHEN s.api_key <> '' THEN encode(sha256(convert_to(s.api_key, 'UTF8')), 'hex')
    END AS api_key_hash,
    COALESCE(
      (
        SELECT NULLIF(k.key_alias, '')
        FROM "LiteLLM_VerificationToken" k
        WHERE
          k.token = CASE
            WHEN (
              octet_length(s.api_key) = 64
              AND s.api_key !~ '[^0-9A-Fa-f]'
              OR s.api_key IN ('litellm_proxy_master_key', 'litellm-internal-health-check')
            ) THEN s.api_key::text
            WHEN s.api_key <> '' THEN encode(sha256(convert_to(s.api_key, 'UTF8')), 'hex')
          END
      ),
      NULLIF(p.metadata ->> 'user_api_key_alias', '')
    ) AS key_alias,
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
    CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END AS status,
    NULLIF(p.metadata #>> '{error_information,error_class}', '') AS error_class,
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
    COALESCE(
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,completion_tokens_details,reasoning_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{usage_object,completion_tokens_details,reasoning_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,completion_tokens_details,reasoning_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{additional_usage_values,completion_tokens_details,reasoning_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END
    ) AS reasoning_tokens,
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
    (
      s.call_type = 'call_mcp_tool'
      OR s.call_type IN ('aembedding', 'embedding')
      OR CASE
        WHEN (
          s.response IS NULL
          OR pg_column_size(s.response) < 100
          AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
        ) THEN CASE WHEN s.status = 'failure' THEN 'failure' ELSE 'success' END = 'failure'
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
    ) AS tool_calls_exact,
    CASE jsonb_typeof(s.request_tags) WHEN 'array' THEN s.request_tags END AS tags,
    CASE
      WHEN s.call_type = 'call_mcp_tool' THEN COALESCE(
        (
          SELECT array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '')
          FROM "LiteLLM_SpendLogToolIndex" t
          WHERE t.request_id = s.request_id
        ),
        NULLIF(
          array_remove(
            ARRAY[
              COALESCE(
                NULLIF(s.mcp_namespaced_tool_name, ''),
                NULLIF(s.metadata #>> '{mcp_tool_call_metadata,name}', '')
              )
            ],
            NULL
          ),
          '{}'
        )
      )
      WHEN s.call_type IN ('aembedding', 'embedding')
      OR (
        s.response IS NULL
        OR pg_column_size(s.response) < 100
        AND s.response IN ('{}', 'null', '{"text": "redacted-by-litellm"}')
      )
      OR (s.call_type LIKE '%mcp%' AND s.call_type NOT LIKE '%pass\_through%')
      OR s.response @? 'strict $ ? ((@.choices.type() == "array" && @.choices.size() > 0))'
      AND NOT s.response @? 'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.size() > 0 || @.provider_specific_fields.server_tool_calls.size() > 0 || @.provider_specific_fields.web_search_calls.size() > 0 || @.function_call.type() == "object" || @.content.size() > 0)' THEN (
        SELECT array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '')
        FROM "LiteLLM_SpendLogToolIndex" t
        WHERE t.request_id = s.request_id
      )
      ELSE (
        SELECT array_agg(DISTINCT n.name COLLATE "C")
        FROM (
          SELECT
            unnest(
              (
                SELECT array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '')
                FROM "LiteLLM_SpendLogToolIndex" t
                WHERE t.request_id = s.request_id
              )
            )
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
    END AS tools,
    CASE
      WHEN s.request_id ~ '_(batch|background|video|guardrail)_cost$' THEN 'user'
      WHEN s.api_key IN (
        'litellm-internal-health-check',
        '2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a'
      )
      OR s.team_id = 'litellm-internal-health-check'
      OR s.metadata ->> 'internal_call_origin' <> '' THEN 'internal'
      WHEN s.call_type ~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
      AND NOT (
        s.call_type IN ('aretrieve_batch', 'retrieve_batch')
        AND CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
      ) THEN 'read'
      ELSE 'user'
    END AS origin,
    NULLIF(
      array_remove(
        ARRAY[
          CASE
            WHEN CASE
              WHEN s.total_tokens = 0
              AND s.prompt_tokens = 0
              AND s.completion_tokens = 0
              AND s.spend = 0
              AND s.call_type <> 'call_mcp_tool'
              AND s.call_type !~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
              AND COALESCE(lower(s.cache_hit) <> 'true', true)
              AND s.status IS DISTINCT FROM 'failure' THEN COALESCE(
                s.response @? '$.choices[*] ? (@.type() == "object")'
                OR s.response @? '$.output[*] ? (@.type() == "object")'
                OR s.response @? '$.content[*] ? (@.type() == "object")'
                OR s.response @? '$.candidates[*] ? (@.type() == "object")'
                OR s.response @? '$.outputs[*] ? (@.type() == "object")'
                OR s.response @? '$.steps[*] ? (@.type() == "object")',
                false
              )
              ELSE false
            END THEN 'no_usage'
          END,
          CASE WHEN (s."endTime" < s."startTime") THEN 'ends_before_start' END,
          CASE
            WHEN COALESCE(
              s."startTime" < '1970-01-01'
              OR s."startTime" >= '10000-01-01'
              OR s."endTime" < '1970-01-01'
              OR s."endTime" >= '10000-01-01'
              OR s."completionStartTime" < '1970-01-01'
              OR s."completionStartTime" >= '10000-01-01',
              false
            ) THEN 'time_out_of_range'
          END,
          CASE
            WHEN (
              CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
              AND CASE
                WHEN s.request_id ~ '_(batch|background|video|guardrail)_cost$' THEN 'user'
                WHEN s.api_key IN (
                  'litellm-internal-health-check',
                  '2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a'
                )
                OR s.team_id = 'litellm-internal-health-check'
                OR s.metadata ->> 'internal_call_origin' <> '' THEN 'internal'
                WHEN s.call_type ~ '^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$'
                AND NOT (
                  s.call_type IN ('aretrieve_batch', 'retrieve_batch')
                  AND CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END > 0
                ) THEN 'read'
                ELSE 'user'
              END = 'read'
            ) THEN 'charged_read'
          END
        ]::text[],
        NULL
      ),
      '{}'
    ) AS data_quality,
    COALESCE(
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,prompt_tokens_details,cache_creation_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{usage_object,prompt_tokens_details,cache_creation_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,prompt_tokens_details,cache_write_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{usage_object,prompt_tokens_details,cache_write_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{usage_object,cache_creation_input_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{usage_object,cache_creation_input_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,prompt_tokens_details,cache_creation_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{additional_usage_values,prompt_tokens_details,cache_creation_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,prompt_tokens_details,cache_write_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST(
            (p.metadata #> '{additional_usage_values,prompt_tokens_details,cache_write_tokens}')::numeric,
            0
          ),
          2147483647
        )::bigint
      END,
      CASE
        jsonb_typeof(p.metadata #> '{additional_usage_values,cache_creation_input_tokens}')
        WHEN 'number' THEN LEAST(
          GREATEST((p.metadata #> '{additional_usage_values,cache_creation_input_tokens}')::numeric, 0),
          2147483647
        )::bigint
      END
    ) AS cache_write_tokens,
    COALESCE(
      NULLIF(p.metadata #>> '{mcp_tool_call_metadata,mcp_server_name}', ''),
      CASE
        WHEN s.mcp_namespaced_tool_name LIKE '_%/%' THEN split_part(s.mcp_namespaced_tool_name, '/', 1)
      END
    ) AS mcp_server,
    (
      COALESCE(
        (
          pg_column_size(s.messages) >= 100
          OR COALESCE(s.messages, 'null') NOT IN ('null', '{}', '[]', '""')
        ),
        false
      )
      OR COALESCE(
        (
          pg_column_size(s.proxy_server_request) >= 100
          OR COALESCE(s.proxy_server_request, 'null') NOT IN ('null', '{}', '[]', '""')
        ),
        false
      )
      OR COALESCE(
        (
          pg_column_size(s.response) >= 100
          OR COALESCE(s.response, 'null') NOT IN ('null', '{}', '[]', '""')
        ),
        false
      )
    ) AS has_content,
    COALESCE(
      CASE
        jsonb_typeof(p.metadata #> '{model_map_information,model_map_value,max_input_tokens}')
        WHEN 'number' THEN CASE
          WHEN (p.metadata #> '{model_map_information,model_map_value,max_input_tokens}')::numeric BETWEEN 1 AND 1000000000000 THEN round((p.metadata #> '{model_map_information,model_map_value,max_input_tokens}')::numeric, 0)::bigint
        END
      END,
      CASE
        jsonb_typeof(p.metadata #> '{model_map_information,model_map_value,max_tokens}')
        WHEN 'number' THEN CASE
          WHEN (p.metadata #> '{model_map_information,model_map_value,max_tokens}')::numeric BETWEEN 1 AND 1000000000000 THEN round((p.metadata #> '{model_map_information,model_map_value,max_tokens}')::numeric, 0)::bigint
        END
      END
    ) AS context_window,
    CASE
      jsonb_typeof(p.metadata #> '{model_map_information,model_map_value,input_cost_per_token}')
      WHEN 'number' THEN CASE
        WHEN (p.metadata #> '{model_map_information,model_map_value,input_cost_per_token}')::numeric BETWEEN 0 AND 1000000 THEN round(
          (p.metadata #> '{model_map_information,model_map_value,input_cost_per_token}')::numeric,
          18
        )::double precision
      END
    END AS input_price,
    CASE
      jsonb_typeof(p.metadata #> '{model_map_information,model_map_value,cache_read_input_token_cost}')
      WHEN 'number' THEN CASE
        WHEN (p.metadata #> '{model_map_information,model_map_value,cache_read_input_token_cost}')::numeric BETWEEN 0 AND 1000000 THEN round(
          (p.metadata #> '{model_map_information,model_map_value,cache_read_input_token_cost}')::numeric,
          18
        )::double precision
      END
    END AS cache_read_price,
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
    false AS deleted,
    CASE
      WHEN s."completionStartTime" IS NOT NULL THEN LEAST(
        GREATEST(s."completionStartTime", timestamp '1970-01-01 00:00:00'),
        timestamp '9999-12-31 23:59:59.999'
      )
    END AS completion_started_at,
    s.cache_hit AS cache_hit_text,
    s.cache_key AS cache_key,
    s.api_base AS api_base,
    CASE
      jsonb_typeof(p.metadata)
      WHEN 'object' THEN p.metadata - '{proxy_server_request,user_api_key,model_map_information}'::text[]
    END AS metadata,
    array_remove(ARRAY[s.api_key, p.metadata ->> 'user_api_key'], NULL) AS row_keys
  FROM
    "LiteLLM_SpendLogs" s
    CROSS JOIN LATERAL (
      SELECT
        s.metadata || '{}'::jsonb AS metadata,
        s.proxy_server_request || '{}'::jsonb AS proxy_server_request OFFSET 0
    ) p
  WHERE s.request_id = $1
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
  ) AS tags,
  f.origin,
  COALESCE(f.data_quality, '{}') AS data_quality,
  COALESCE(f.agent_name, 'unknown') AS agent_name,
  COALESCE(f.conversation_name, 'default') AS conversation_name,
  f.key_alias,
  f.organization_id,
  f.error_class,
  f.cached_tokens,
  f.reasoning_tokens,
  f.tool_calls,
  f.duration_ms,
  f.user_id AS owner,
  f.started_at AT TIME ZONE 'UTC' AS started_at,
  f.call_id,
  messages,
  proxy_server_request,
  has_request_metadata,
  response,
  logged_request,
  mcp_tool_call,
  cold_storage_object_key,
  error_information,
  logged_length,
  deleted,
  f.completion_started_at AT TIME ZONE 'UTC' AS completion_start,
  f.cache_hit_text,
  f.cache_key,
  f.api_base,
  f.metadata,
  f.row_keys
FROM requests AS f
ORDER BY f.started_at DESC, f.request_id
LIMIT 1;

WITH
requests AS (
  SELECT
    NULLIF(s.litellm_call_id, '') AS call_id,
    s.request_id AS request_id,
    s."startTime" AS started_at
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
)
SELECT
  EXISTS (
    SELECT 1
    FROM requests AS f
    WHERE f.call_id = $3
      AND (f.request_id, f.started_at) <> ($4, $5)
  );
