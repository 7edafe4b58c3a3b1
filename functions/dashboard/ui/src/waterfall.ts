// Where the rows and bars of a waterfall are: steps in order of time, and a row for each idle gap.

import type { Schemas } from "./api/client";
import type { Steps } from "./api/shapes";

export interface Layout {
  /** A step's index, or below zero a gap: -1 is the first one of the verdict. */
  rows: Int32Array;
  /** The row of each step. */
  rowOf: Int32Array;
  /** Where each step begins on an axis without the idle gaps, in seconds. */
  starts: Float64Array;
  /** How long that axis is. */
  length: number;
  /** The greatest number of tokens of one step. */
  mostTokens: number;
}

export function layoutOf(steps: Steps, gaps: readonly Schemas["IdleGap"][]): Layout {
  const count = steps.request_id.length;
  const after = new Map(gaps.map((gap, index) => [gap.after_step, index]));
  const rows = new Int32Array(count + gaps.length);
  const rowOf = new Int32Array(count);
  const starts = new Float64Array(count);
  let row = 0;
  let idle = 0;
  let length = 0;
  let mostTokens = 1;
  for (let index = 0; index < count; index++) {
    rows[row] = index;
    rowOf[index] = row;
    row += 1;
    const start = Math.max(0, (steps.started_after[index] ?? 0) - idle);
    starts[index] = start;
    length = Math.max(length, start + (steps.seconds[index] ?? 0));
    mostTokens = Math.max(mostTokens, (steps.prompt_tokens[index] ?? 0) + (steps.completion_tokens[index] ?? 0));
    const gap = after.get(index);
    if (gap !== undefined && index + 1 < count) {
      rows[row] = -1 - gap;
      row += 1;
      idle += gaps[gap]?.seconds ?? 0;
    }
  }
  return { rows: rows.subarray(0, row), rowOf, starts, length: Math.max(length, 0.001), mostTokens };
}

/** How a step's prompt tokens split up: cached ones are a part of those that were sent before, where both are known. */
export function promptParts(
  steps: Steps,
  index: number,
): { fresh: number; repeated: number; cached: number; known: boolean } {
  const prompt = steps.prompt_tokens[index] ?? 0;
  const cached = Math.min(prompt, Math.max(0, steps.cached_tokens[index] ?? 0));
  const before = steps.repeated_tokens[index];
  const repeated = Math.max(0, Math.min(prompt, before ?? 0) - cached);
  return { fresh: prompt - cached - repeated, repeated, cached, known: before != null };
}

/** The next step from one on (not itself) that is wanted; -1 if there is none. */
export function nextStep(count: number, from: number, direction: 1 | -1, wanted: (index: number) => boolean): number {
  for (let index = from + direction; index >= 0 && index < count; index += direction) if (wanted(index)) return index;
  return -1;
}

/** The running cost in at most so many points: each one's step and height from 0 to 1. */
export function costCurve(steps: Steps, points: number): { step: number; height: number }[] {
  const count = steps.request_id.length;
  const most = steps.running_cost[count - 1] ?? 0;
  const wanted = Math.min(count, points);
  return Array.from({ length: wanted }, (_, point) => {
    const step = wanted === 1 ? count - 1 : Math.round((point * (count - 1)) / (wanted - 1));
    return { step, height: most > 0 ? Math.max(0, (steps.running_cost[step] ?? 0) / most) : 0 };
  });
}
