// One question of a page: its answer, how long it takes, what went wrong, and asking again by itself.

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { epoch } from "../login/credential";
import type { Answer } from "./client";
import { type ApiProblem, asProblem } from "./problem";

export interface Asked<T> {
  data: T | undefined;
  asOf: string | null;
  next: string | null;
  problem: ApiProblem | null;
  /** `idle` without a question, `loading` without data yet or with those of the question before. */
  state: "idle" | "loading" | "slow" | "done" | "failed";
  /** Seconds until the question is asked again by itself. */
  retryIn: number | null;
  retry: () => void;
}

/** How long a question may take before the page says that it takes long. */
const SLOW_MS = 4_000;
const KEPT_MS = 60_000;
const KEPT = 60;

interface Kept {
  answer: Answer<unknown>;
  at: number;
}
const kept = new Map<string, Kept>();

function keep(key: string, answer: Answer<unknown>): void {
  kept.delete(key);
  kept.set(key, { answer, at: Date.now() });
  // The oldest ones come first.
  for (const [old, { at }] of kept) {
    if (kept.size <= KEPT && Date.now() - at < KEPT_MS) break;
    kept.delete(old);
  }
}

/** Counts how often the reader wanted newer answers. */
const round = signal(0);

/** Forgets all answers, and asks again what is on the page. */
export function forgetAnswers(): void {
  kept.clear();
  round.value += 1;
}

/** Asks whenever the key changes. The key says everything that the answer depends on; null asks nothing. */
export function useAnswer<T>(key: string | null, ask: (signal: AbortSignal) => Promise<Answer<T>>): Asked<T> {
  const fullKey = key === null ? null : `${epoch.value} ${round.value} ${key}`;
  const [, redraw] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const current = useRef<{ key: string | null } & Omit<Asked<T>, "retry">>({
    key: null,
    data: undefined,
    asOf: null,
    next: null,
    problem: null,
    state: "idle",
    retryIn: null,
  });
  const failures = useRef(0);
  const question = useRef(ask);
  question.current = ask;

  // A new attempt is asked like a new question. Before the page is painted: the answer is what takes time.
  useLayoutEffect(() => {
    const set = (changes: Partial<(typeof current)["current"]>) => {
      Object.assign(current.current, changes);
      redraw((count) => count + 1);
    };
    if (fullKey === null) {
      set({ key: null, data: undefined, problem: null, state: "idle", retryIn: null, asOf: null, next: null });
      return;
    }
    if (current.current.key !== fullKey) failures.current = 0;
    const found = kept.get(fullKey);
    if (found && Date.now() - found.at < KEPT_MS) {
      const { data, asOf, next } = found.answer as Answer<T>;
      set({ key: fullKey, data, asOf, next, problem: null, state: "done", retryIn: null });
      return;
    }
    const abort = new AbortController();
    set({ key: fullKey, state: "loading", retryIn: null });
    const slow = setTimeout(() => set({ state: "slow" }), SLOW_MS);
    let again: ReturnType<typeof setInterval> | undefined;
    const failed = (error: unknown) => {
      if (abort.signal.aborted) return;
      const problem = asProblem(error);
      failures.current += 1;
      let left = problem.retryAfter === null ? null : Math.min(60, problem.retryAfter * 2 ** (failures.current - 1));
      set({ problem, state: "failed", retryIn: left, data: undefined });
      if (left === null) return;
      again = setInterval(() => {
        if (document.hidden) return;
        left = (left ?? 1) - 1;
        if (left <= 0) setAttempt((count) => count + 1);
        else set({ retryIn: left });
      }, 1000);
    };
    question
      .current(abort.signal)
      .then((answer) => {
        if (abort.signal.aborted) return;
        failures.current = 0;
        keep(fullKey, answer);
        set({ data: answer.data, asOf: answer.asOf, next: answer.next, problem: null, state: "done", retryIn: null });
      })
      .catch(failed)
      .finally(() => clearTimeout(slow));
    return () => {
      abort.abort();
      clearTimeout(slow);
      if (again) clearInterval(again);
    };
  }, [fullKey, attempt]);

  const { key: _, ...asked } = current.current;
  return { ...asked, retry: () => setAttempt((count) => count + 1) };
}
