// Requests that come while a list of them is on the page.

import { useEffect, useRef, useState } from "preact/hooks";
import { refresh } from "../refresh";
import { follow, pathOf, type Schemas } from "./client";
import type { Asked } from "./query";

export type Request = Schemas["RequestRow"];

const EVERY_MS = 5_000;
/** LiteLLM logs a request some time after its end: so far back it is looked for. */
const OVERLAP_MS = 180_000;
/** For so long the question stays the same one: as long as nothing is new, the answer is the browser's own copy. */
const SAME_MS = 60_000;
/** With more of them the list is read anew. It is what a page of the API has at most. */
const MOST = 1_000;
/** Newer requests are not brought in while the reader is further down than this. */
const AT_TOP = 120;

/** From when on to ask for requests, after an answer that was right as of then. */
export function sinceOf(asOf: string): string {
  const early = Date.parse(asOf) - OVERLAP_MS;
  return new Date(early - (early % SAME_MS)).toISOString();
}

const startOf = (request: Request): number => Date.parse(request.request_start);

/**
 * All requests, each once and as it was read last, the newest first. Below the end of a list that goes on, where others
 * are missing, none is added.
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

/** The requests that came since a first page was read. The query is that of the page, without its end. */
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
  // Each first page begins anew.
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
    // What fails is asked again by the next turn of the clock.
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
