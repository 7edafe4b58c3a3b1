SELECT l.token
FROM "LiteLLM_VerificationToken" l
WHERE
  l.key_alias = ANY($1)
  AND (
    octet_length(l.token) = 64
    AND l.token !~ '[^0-9A-Fa-f]'
    OR l.token IN ('litellm_proxy_master_key', 'litellm-internal-health-check')
  )
ORDER BY l.token;

WITH
requests AS (
  SELECT
    s.request_id AS request_id,
    COALESCE(NULLIF(s.session_id, ''), s.request_id) AS session_id,
    s."startTime" AS started_at,
    CASE
      WHEN (
        octet_length(s.api_key) = 64
        AND s.api_key !~ '[^0-9A-Fa-f]'
        OR s.api_key IN ('litellm_proxy_master_key', 'litellm-internal-health-check')
      ) THEN s.api_key::text
      WHEN s.api_key <> '' THEN encode(sha256(convert_to(s.api_key, 'UTF8')), 'hex')
    END AS api_key_hash,
    NULLIF(s.custom_llm_provider, '') AS provider,
    CASE
      WHEN s.call_type = 'call_mcp_tool' THEN COALESCE(
        ti.tools,
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
      AND NOT s.response @? 'strict $ ? (@.choices.type() == "array").choices[*] ? (@.message.type() == "object").message ? (@.tool_calls.size() > 0 || @.provider_specific_fields.server_tool_calls.size() > 0 || @.provider_specific_fields.web_search_calls.size() > 0 || @.function_call.type() == "object" || @.content.size() > 0)' THEN ti.tools
      ELSE (
        SELECT array_agg(DISTINCT n.name COLLATE "C")
        FROM (
          SELECT unnest(ti.tools)
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
    LEFT JOIN (
      SELECT
        t.request_id,
        count(*) AS names,
        array_agg(DISTINCT t.tool_name COLLATE "C") FILTER (WHERE t.tool_name <> '') AS tools
      FROM "LiteLLM_SpendLogToolIndex" t
      WHERE t.start_time >= $1
        AND t.start_time < $2
      GROUP BY t.request_id
    ) ti ON ti.request_id = s.request_id
  WHERE s."startTime" >= $3 AND s."startTime" < $4
)
SELECT f.session_id, f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at
FROM requests AS f
WHERE
  starts_with(f.session_id, $5)
  AND COALESCE(f.api_key_hash, 'unknown') = $6
  AND COALESCE(f.provider, 'unknown') = ANY($7)
  AND f.tools && $8::text[]
ORDER BY f.started_at DESC, f.request_id DESC
LIMIT $9;
