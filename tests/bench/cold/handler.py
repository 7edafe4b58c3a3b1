"""What the sessions function is measured beside: a session's summary, as few lines of Python and asyncpg as it takes."""

import asyncio
import json
import os

import asyncpg

QUERY = """
    SELECT count(*) AS total_messages, coalesce(sum(spend), 0)::float8 AS total_cost,
           coalesce(sum(total_tokens), 0) AS total_tokens, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
           coalesce(sum(completion_tokens), 0) AS completion_tokens, min("startTime") AS first_request,
           max("endTime") AS last_request, count(*) FILTER (WHERE cache_hit = 'True') AS cache_hits,
           count(*) FILTER (WHERE status = 'failure') AS failed_requests,
           avg(extract(epoch FROM "endTime" - "startTime"))::float8 AS avg_response_time,
           array_agg(DISTINCT coalesce(nullif(model_group, ''), model)) AS models_used,
           array_agg(DISTINCT coalesce(nullif("user", ''), 'unknown')) AS users
    FROM "LiteLLM_SpendLogs" WHERE session_id = $1
"""

# As the function does: connected while it starts, before the first event is asked for.
loop = asyncio.new_event_loop()
connection = loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))


def handler(event, context):
    session = event["pathParameters"]["session_id"]
    row = loop.run_until_complete(connection.fetchrow(QUERY, session))
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"session_id": session, **row}, default=str),
        "isBase64Encoded": False,
    }
