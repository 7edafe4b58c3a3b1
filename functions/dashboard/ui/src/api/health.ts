// The health of the service and the state of its index.

import { useEffect, useState } from "preact/hooks";
import { type Answer, client, type Schemas } from "./client";
import { problemOf } from "./problem";
import { type Asked, useAnswer } from "./query";

export type Health = Schemas["Health"];

/** Poll interval while the index is not up to date. */
const AGAIN_MS = 5_000;

async function ask(signal: AbortSignal): Promise<Answer<Health>> {
  const { data, error, response } = await client.GET("/health", { signal });
  // A 503 has the same body, which says what is unavailable.
  const health = data ?? (error as Partial<Health> | undefined);
  if (!health?.database) throw problemOf(response.status, response.headers, error);
  return { data: health as Health, asOf: null, next: null };
}

/** The service's health. Polls until the service is healthy and its index up to date. */
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
