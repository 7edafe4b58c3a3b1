import { expect, test } from "vitest";
import { merge, type Request, sinceOf } from "../../src/api/live";

const request = (id: string, second: number, more: Partial<Request> = {}): Request =>
  ({
    request_id: id,
    request_start: new Date(Date.UTC(2026, 10, 28, 12, 0, second)).toISOString(),
    ...more,
  }) as Request;

const ids = (requests: Request[]) => requests.map((one) => one.request_id).join("");

test("each request is in a list once, as it was read last", () => {
  const known = [request("c", 3), request("b", 2), request("a", 1)];
  const merged = merge([request("d", 4), request("b", 2, { status: "failure" })], known, "open");
  expect(ids(merged)).toBe("dcba");
  expect(merged[2]?.status).toBe("failure");
  expect(merge([], known, "open")).toEqual(known);
});

test("a request that was logged late comes to its place, or waits for its page", () => {
  const known = [request("d", 40), request("b", 20)];
  expect(ids(merge([request("c", 30)], known, "open"))).toBe("dcb");
  expect(ids(merge([request("a", 10)], known, "open"))).toBe("db");
  expect(ids(merge([request("a", 10)], known, "reached"))).toBe("dba");
  expect(ids(merge([request("a", 10)], [], "reached"))).toBe("a");
});

test("a poll asks for a while before the last answer, and the same for a minute", () => {
  expect(sinceOf("2026-11-28T12:00:59.5Z")).toBe("2026-11-28T11:57:00.000Z");
  expect(sinceOf("2026-11-28T12:00:00Z")).toBe("2026-11-28T11:57:00.000Z");
  expect(sinceOf("2026-11-28T12:01:00Z")).toBe("2026-11-28T11:58:00.000Z");
});
