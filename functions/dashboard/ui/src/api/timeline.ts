// A session's steps, one array per figure: as the API gives them, or else made of the pages of its messages.

import { type Answer, answer, client, follow, pathOf, type Schemas } from "./client";
import { ApiProblem } from "./problem";
import type { RepeatedCall, SentTimeline, Steps, Timeline, Verdict } from "./shapes";

type SessionMessage = Schemas["SessionMessage"];

/** A gap of so many seconds is idle time. */
export const IDLE_SECONDS = 300;

export function emptySteps(): Steps {
  return {
    request_id: [],
    started_after: [],
    seconds: [],
    time_to_first_token: [],
    model: [],
    model_group: [],
    status: [],
    error_class: [],
    agent_name: [],
    prompt_tokens: [],
    completion_tokens: [],
    cached_tokens: [],
    repeated_tokens: [],
    cost: [],
    running_cost: [],
    tools: [],
    tool_calls: [],
    cache_hit: [],
    lane: [],
    human: [],
  };
}

/** Adds a page of messages to the steps. Of the messages only what is counted stays. */
export function addPage(steps: Steps, page: readonly SessionMessage[], startMs: number, calls: CallCounts): void {
  for (const request of page) {
    const index = steps.request_id.length;
    const called = request.messages.flatMap((message) =>
      message.source === "response" ? (message.tool_calls ?? []) : [],
    );
    steps.request_id.push(request.request_id);
    steps.started_after.push((new Date(request.timestamp).getTime() - startMs) / 1000);
    steps.seconds.push(request.response_time_seconds);
    steps.time_to_first_token.push(null);
    steps.model.push(request.model);
    steps.model_group.push(request.model_group ?? null);
    steps.status.push(request.status);
    steps.error_class.push(null);
    steps.agent_name.push(null);
    steps.prompt_tokens.push(request.prompt_tokens);
    steps.completion_tokens.push(request.completion_tokens);
    steps.cached_tokens.push(null);
    steps.repeated_tokens.push(null);
    steps.cost.push(request.cost);
    steps.running_cost.push((steps.running_cost[index - 1] ?? 0) + request.cost);
    steps.tools.push([...new Set(called.map((call) => call.name))]);
    steps.tool_calls.push(called.length);
    steps.cache_hit.push(request.cache_hit);
    steps.lane.push(0);
    const prompt = request.messages.filter((message) => message.source === "prompt");
    steps.human.push(request.content_available ? prompt.some((message) => message.role === "user") : null);
    if (!request.content_available) calls.known = false;
    for (const call of called)
      calls.add(call.name, JSON.stringify(call.arguments ?? call.arguments_text ?? null), index);
  }
}

/** Counts calls of a tool with the same arguments. */
export class CallCounts {
  /** Whether all content was there to be counted. */
  known = true;
  readonly #counts = new Map<string, RepeatedCall>();

  add(tool: string, text: string, step: number): void {
    const key = `${tool}\n${text}`;
    const found = this.#counts.get(key);
    if (found) {
      found.count += 1;
      found.last_step = step;
    } else {
      this.#counts.set(key, { tool, arguments_hash: null, count: 1, first_step: step, last_step: step });
    }
  }

  repeated(): RepeatedCall[] {
    return [...this.#counts.values()].filter((call) => call.count > 1).sort((a, b) => b.count - a.count);
  }
}

/** What the steps themselves tell. */
export function verdictOf(steps: Steps, calls: CallCounts): Verdict {
  const idle: Verdict["idle_gaps"] = [];
  let failures = 0;
  let first: number | null = null;
  let dearest: number | null = null;
  let end = 0;
  for (let index = 0; index < steps.request_id.length; index++) {
    const start = steps.started_after[index] ?? 0;
    if (index > 0 && start - end >= IDLE_SECONDS) idle.push({ after_step: index - 1, seconds: start - end });
    end = Math.max(end, start + (steps.seconds[index] ?? 0));
    if (steps.status[index] === "failure") {
      failures += 1;
      first ??= index;
    }
    const cost = steps.cost[index] ?? 0;
    if (cost > 0 && (dearest === null || cost > (steps.cost[dearest] ?? 0))) dearest = index;
  }
  return {
    failures,
    first_failure: first,
    idle_gaps: idle,
    repeated_calls: calls.known ? calls.repeated() : null,
    repeated_prompt_percent: null,
    most_expensive_step: dearest,
  };
}

export interface LoadedTimeline {
  timeline: Timeline;
  /** Whether all steps are there; more come while it is false. */
  complete: boolean;
  asOf: string | null;
}

/** A timeline with its names in their places. */
export function named(sent: SentTimeline): Timeline {
  const { names, steps, ...rest } = sent;
  const name = (place: number | null) => (place === null ? null : (names[place] ?? null));
  const each = (places: number[]) => places.map((place) => names[place] ?? "");
  return {
    ...rest,
    steps: {
      ...steps,
      model: each(steps.model),
      model_group: steps.model_group.map(name),
      status: each(steps.status),
      error_class: steps.error_class.map(name),
      agent_name: steps.agent_name.map(name),
      tools: steps.tools.map(each),
      human: steps.human ?? [],
    },
  };
}

const timelinePath = (id: string, content: "none" | "summary"): string =>
  pathOf(`/api/v1/sessions/${encodeURIComponent(id)}/timeline`, { content: content === "none" ? null : content });

/** The path of a session's messages. */
export const messagesPath = (id: string, limit: number): string =>
  pathOf(`/api/v1/sessions/${encodeURIComponent(id)}/messages`, { limit });

interface FirstPart {
  loaded: LoadedTimeline;
  calls: CallCounts;
  next: string | null;
}

/** The session's totals, and the steps of its first turns: they are there long before all of a large session are. */
async function firstPart(id: string, signal: AbortSignal): Promise<FirstPart> {
  const [summary, page] = await Promise.all([
    answer(client.GET("/api/v1/sessions/{session_id}/summary", { params: { path: { session_id: id } }, signal })),
    follow<SessionMessage[]>(messagesPath(id, 200), signal),
  ]);
  const totals = summary.data;
  const steps = emptySteps();
  const calls = new CallCounts();
  addPage(steps, page.data, new Date(totals.session_start).getTime(), calls);
  const timeline: Timeline = {
    session_id: id,
    start: totals.session_start,
    end: totals.session_end,
    wall_seconds: totals.total_duration_seconds,
    busy_seconds: totals.busy_seconds,
    requests: totals.total_messages,
    cost: totals.total_cost,
    total_tokens: totals.total_tokens,
    steps,
    verdict: verdictOf(steps, calls),
  };
  return { loaded: { timeline, complete: page.next === null, asOf: page.asOf }, calls, next: page.next };
}

/** Loads the steps; `onPart` gets them as they grow. */
export async function loadTimeline(
  id: string,
  signal: AbortSignal,
  onPart: (loaded: LoadedTimeline) => void,
): Promise<LoadedTimeline> {
  let isWhole = false;
  const early = firstPart(id, signal);
  early.then(
    (part) => {
      if (!isWhole) onPart(part.loaded);
    },
    // Whoever needs it finds out what went wrong.
    () => {},
  );
  try {
    const whole = await follow<SentTimeline>(timelinePath(id, "none"), signal);
    isWhole = true;
    onPart({ timeline: named(whole.data), complete: true, asOf: whole.asOf });
    // What the messages themselves tell comes after what is quick: who spoke, and which calls are repeated. A key without
    // the right to content goes without it, and so does a session that takes too long to read.
    const more = await follow<SentTimeline>(timelinePath(id, "summary"), signal).catch(() => whole);
    return { timeline: named(more.data), complete: true, asOf: more.asOf };
  } catch (error) {
    // An older service has no such endpoint. Where it is the session that is missing, the first part says so.
    if (!(error instanceof ApiProblem) || error.kind !== "missing") throw error;
  }
  const { loaded, calls, next } = await early;
  const { timeline } = loaded;
  const startMs = new Date(timeline.start).getTime();
  let path = next;
  let last = loaded;
  while (path) {
    const page: Answer<SessionMessage[]> = await follow<SessionMessage[]>(path, signal);
    addPage(timeline.steps, page.data, startMs, calls);
    path = page.next;
    last = {
      timeline: { ...timeline, verdict: verdictOf(timeline.steps, calls) },
      complete: path === null,
      asOf: page.asOf,
    };
    onPart(last);
  }
  return last;
}
