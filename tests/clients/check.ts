// Uses a client whose types were generated from the API document: node check.ts http://127.0.0.1:8000

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.ts";

type Schemas = components["schemas"];
type Session = Schemas["SessionSummary"];
type Request = Schemas["RequestRow"];

const [, , baseUrl] = process.argv;
assert(baseUrl, "the address of a server is missing");
const client = createClient<paths>({ baseUrl });

interface Page<T> {
  data?: T[];
  error?: Schemas["Problem"];
  response: Response;
}

/** All pages of a list. */
async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const { data, error, response } = await page(cursor);
    assert(data, error?.detail ?? response.statusText);
    rows.push(...data);
    cursor = response.headers.get("X-Next-Cursor") ?? undefined;
  } while (cursor);
  return rows;
}

const count = (ids: string[]) => new Set(ids).size;

const sessions: Session[] = await all((cursor) =>
  client.GET("/api/v1/sessions", { params: { query: { limit: 200, cursor, sort: "cost", order: "asc" } } }),
);
assert(sessions.length > 400, `${sessions.length} sessions`);
assert.equal(count(sessions.map((session) => session.session_id)), sessions.length);

// The same by a body, of which nothing is required.
const found: Session[] = await all((cursor) =>
  client.POST("/api/v1/sessions/search", { params: { query: { limit: 200, cursor } }, body: {} }),
);
assert.deepEqual(
  found.map((session) => session.session_id).sort(),
  sessions.map((session) => session.session_id).sort(),
);

const requests: Request[] = await all((cursor) =>
  client.GET("/api/v1/requests", { params: { query: { limit: 1000, cursor, status: "failure" } } }),
);
assert(requests.length > 10 && requests.every((request) => request.status === "failure"));

const longest = sessions.reduce((one, other) => (other.total_messages > one.total_messages ? other : one));
const turns = await all((cursor) =>
  client.GET("/api/v1/sessions/{session_id}/messages", {
    params: { path: { session_id: longest.session_id }, query: { limit: 10, cursor } },
  }),
);
assert.equal(turns.length, longest.total_messages);
const message: Schemas["ChatMessage"] | undefined = turns.flatMap((turn) => turn.messages).at(0);
assert(message?.role);

const overview = await client.GET("/api/v1/analytics/overview", { params: { query: { compare: "previous" } } });
assert(overview.data);
const shares = await client.GET("/api/v1/analytics/cost-breakdown", {
  params: { query: { group_by: ["provider"], granularity: "week" } },
});
assert(shares.data && shares.data.length > 1);

const detail = await client.GET("/api/v1/requests/{request_id}", {
  params: { path: { request_id: requests[0]?.request_id ?? "" } },
});
assert.equal(detail.data?.status, "failure");
const report = await client.GET("/api/v1/reports/cost", { params: { query: { period: "month" } } });
assert(report.response.ok);
const me = await client.GET("/api/v1/me");
assert(me.data?.login);
const health = await client.GET("/health");
assert(health.data?.status);

// A problem is typed, too.
const refused = await client.GET("/api/v1/requests/{request_id}", { params: { path: { request_id: "no such" } } });
assert.equal(refused.error?.status, 404);

console.log(`TypeScript: ${sessions.length} sessions, ${requests.length} failed requests, ${turns.length} turns`);
