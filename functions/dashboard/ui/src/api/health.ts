// What answers: the log or its index, and how far that is.

import { useEffect, useState } from "preact/hooks";
import { type Answer, client, type Schemas } from "./client";
import { problemOf } from "./problem";
import { type Asked, useAnswer } from "./query";

export type Health = Schemas["Health"];

/** How often an index that is not up to date is looked at. */
const AGAIN_MS = 5_000;

async function ask(signal: AbortSignal): Promise<Answer<Health>> {
  const { data, error, response } = await client.GET("/health", { signal });
  // A service without its database says so in the same form, with status 503.
  const health = data ?? (error as Partial<Health> | undefined);
  if (!health?.database) throw problemOf(response.status, response.headers, error);
  return { data: health as Health, asOf: null, next: null };
}

/** The service's health, asked again until its index is up to date. */
export function useHealth(): Asked<Health> {
  const [turn, setTurn] = useState(0);
  const asked = useAnswer(`health ${turn}`, ask);
  const state = asked.data?.index?.state;
  const isWaiting = asked.data?.status === "unhealthy" || (state !== undefined && state !== "ready");
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTurn((count) => count + 1);
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
  return asked;
}
