// Live updates of the list of requests.

import { useEffect, useRef, useState } from "preact/hooks";
import { refresh } from "../refresh";
import { follow, pathOf, type Schemas } from "./client";
import type { Asked } from "./query";

export type Request = Schemas["RequestRow"];

const EVERY_MS = 5_000;
/** How far each poll looks back: LiteLLM logs a request some time after it ended. */
const OVERLAP_MS = 180_000;
/** How long a poll keeps its URL, so that the browser can revalidate its copy (304) while nothing is new. */
const SAME_MS = 60_000;
/** With more new requests than this, the page reloads the list. Also the largest page of the API. */
const MOST = 1_000;
/** Polling pauses while the page is scrolled further down than this, in pixels. */
const AT_TOP = 120;

/** The `since` of the next poll, for the `X-As-Of` of the last answer. */
export function sinceOf(asOf: string): string {
  const early = Date.parse(asOf) - OVERLAP_MS;
  return new Date(early - (early % SAME_MS)).toISOString();
}

const startOf = (request: Request): number => Date.parse(request.request_start);

/**
 * Merges both lists, newest first, with each request once as it was read last. If the known list has further pages
 * (`open`), newer requests that start before its last one are left for those pages.
 */
export function merge(newer: readonly Request[], known: readonly Request[], end: "open" | "reached"): Request[] {
  const last = known[known.length - 1];
  const oldest = last && end === "open" ? startOf(last) : Number.NEGATIVE_INFINITY;
  const ids = new Set(newer.map((request) => request.request_id));
  return [
    ...newer.filter((request) => startOf(request) >= oldest),
    ...known.filter((request) => !ids.has(request.request_id)),
  ].sort((one, other) => startOf(other) - startOf(one));
}

/** Whether the reader has scrolled down. */
function useScrolled(): boolean {
  const [isDown, setDown] = useState(false);
  useEffect(() => {
    const look = () => setDown(window.scrollY > AT_TOP);
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  return isDown;
}

/** The requests logged since the first page was read. `query` is the page's query without `end_date`. */
export function useLive(
  query: Parameters<typeof pathOf>[1],
  isOn: boolean,
  first: Asked<Request[]>,
): { newer: Request[]; paused: boolean } {
  const [found, setFound] = useState<{ of: Request[] | undefined; rows: Request[] }>({ of: undefined, rows: [] });
  const paused = useScrolled();
  const asOf = useRef<string | null>(null);
  const missed = useRef(false);
  const of = first.data;
  // A new first page restarts polling from its own time.
  useEffect(() => {
    asOf.current = first.asOf;
  }, [of]);
  const question = useRef(query);
  question.current = query;
  useEffect(() => {
    if (!isOn || !of) return;
    if (paused) {
      missed.current = true;
      return;
    }
    const abort = new AbortController();
    const look = async () => {
      if (document.hidden || !asOf.current) return;
      const since = sinceOf(asOf.current);
      const path = pathOf("/api/v1/requests", { ...question.current, since, limit: MOST });
      const page = await follow<Request[]>(path, abort.signal);
      asOf.current = page.asOf ?? asOf.current;
      if (page.next) refresh();
      else setFound((old) => ({ of, rows: merge(page.data, old.of === of ? old.rows : [], "reached") }));
    };
    // The next poll retries after a failure.
    const run = () => void look().catch(() => {});
    const timer = setInterval(run, EVERY_MS);
    if (missed.current) run();
    missed.current = false;
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [isOn, paused, of]);
  const newer = found.of === of ? found.rows : [];
  useEffect(() => {
    if (newer.length > MOST) refresh();
  }, [newer.length > MOST]);
  return { newer, paused };
}
