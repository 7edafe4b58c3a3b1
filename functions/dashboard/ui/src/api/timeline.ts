// A session's turns: the first ones as soon as their messages are there, then all of them.

import { type Answer, answer, client, follow, pathOf } from "./client";
import { type Asked, useAnswer } from "./query";
import type { SessionMessage, Steps, Timeline } from "./shapes";

/** How many turns come first: as many as a large screen shows. */
const FIRST_TURNS = 30;
/** How many turns of the conversation come at a time after that. */
const PAGE = 100;

/** The path of a session's messages. */
export const messagesPath = (id: string, limit: number): string =>
  pathOf(`/api/v1/sessions/${encodeURIComponent(id)}/messages`, { limit });

/** The first turns with their messages. */
export const useFirstTurns = (id: string): Asked<SessionMessage[]> =>
  useAnswer(`turns ${id}`, async (signal) => {
    const page = await follow<SessionMessage[]>(messagesPath(id, FIRST_TURNS), signal);
    return { ...page, next: page.next?.replace(/\blimit=\d+/, `limit=${PAGE}`) ?? null };
  });

/** The steps of the first turns, as far as their messages tell. */
export function firstSteps(turns: readonly SessionMessage[]): Timeline {
  const start = turns[0]?.timestamp ?? "";
  const names: string[] = [];
  const placeOf = (name: string): number => {
    const found = names.indexOf(name);
    return found >= 0 ? found : names.push(name) - 1;
  };
  const unknown = turns.map(() => null);
  let cost = 0;
  const called = turns.map((turn) =>
    turn.messages.flatMap((message) => (message.source === "response" ? (message.tool_calls ?? []) : [])),
  );
  const steps: Steps = {
    request_id: turns.map((turn) => turn.request_id),
    started_after: turns.map((turn) => (Date.parse(turn.timestamp) - Date.parse(start)) / 1000),
    seconds: turns.map((turn) => turn.response_time_seconds),
    time_to_first_token: unknown,
    model: turns.map((turn) => placeOf(turn.model)),
    model_group: turns.map((turn) => (turn.model_group == null ? null : placeOf(turn.model_group))),
    status: turns.map((turn) => placeOf(turn.status)),
    error_class: unknown,
    agent_name: unknown,
    prompt_tokens: turns.map((turn) => turn.prompt_tokens),
    completion_tokens: turns.map((turn) => turn.completion_tokens),
    cached_tokens: unknown,
    repeated_tokens: unknown,
    cost: turns.map((turn) => turn.cost),
    running_cost: turns.map((turn) => {
      cost += turn.cost;
      return cost;
    }),
    tools: called.map((calls) => [...new Set(calls.map((call) => placeOf(call.name)))]),
    tool_calls: called.map((calls) => calls.length),
    cache_hit: turns.map((turn) => turn.cache_hit),
    lane: turns.map(() => 0),
    human: turns.map((turn) =>
      turn.content_available
        ? turn.messages.some((message) => message.source === "prompt" && message.role === "user")
        : null,
    ),
  };
  return { start, names, steps, whole: null };
}

async function askTimeline(id: string, content: "none" | "summary", signal: AbortSignal): Promise<Answer<Timeline>> {
  const params = { path: { session_id: id }, query: { content } };
  const found = await answer(client.GET("/api/v1/sessions/{session_id}/timeline", { params, signal }));
  const { start, names, steps } = found.data;
  return { ...found, data: { start, names, steps, whole: found.data } };
}

/** All turns without what only their content tells. */
export const useSteps = (id: string | null): Asked<Timeline> =>
  useAnswer(id === null ? null : `steps ${id}`, (signal) => askTimeline(id ?? "", "none", signal));

/**
 * All turns, once the first ones are there. Nothing is asked beside those that they would have to wait for: of a large
 * session they are there long before the rest.
 */
export function useTimeline(id: string, first: Asked<SessionMessage[]>): Asked<Timeline> {
  const begun = first.data !== undefined || (first.problem !== null && first.problem.kind !== "missing");
  const isShort = first.data !== undefined && first.next === null;
  const quick = useSteps(begun && !isShort ? id : null);
  // What the messages themselves tell comes after what is quick: who spoke, and which calls are repeated. A session that
  // takes too long to read goes without it.
  const full = useAnswer(isShort || quick.data ? `timeline ${id}` : null, (signal) =>
    askTimeline(id, "summary", signal).catch(() => askTimeline(id, "none", signal)),
  );
  if (full.data || isShort) return full;
  return quick.state === "done" ? { ...quick, state: full.state } : quick;
}

/** The name at a place of the session's list; null where there is none. */
export const nameAt = (timeline: Timeline, place: number | null | undefined): string | null =>
  place == null ? null : (timeline.names[place] ?? null);

export const isFailure = (timeline: Timeline, index: number): boolean =>
  nameAt(timeline, timeline.steps.status[index]) === "failure";

/** The public name of a step's model, or else the deployed one's. */
export const modelOf = ({ steps, names }: Timeline, index: number): string =>
  names[steps.model_group[index] ?? steps.model[index] ?? -1] ?? "";
