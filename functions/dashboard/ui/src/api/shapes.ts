// Answers of the API under the names that the page has for them.

import type { Schemas } from "./client";

export type SessionMessage = Schemas["SessionMessage"];
export type Me = Schemas["Me"];

/** One array per figure. Names stand once, in a list: the columns of names hold their places in it. */
export type Steps = Omit<Schemas["TimelineSteps"], "call_id" | "call_type" | "provider" | "parent">;

/** A session's turns, as far as they are known. */
export interface Timeline {
  start: string;
  names: readonly string[];
  steps: Steps;
  /** The whole answer; null as long as there are only the first turns. */
  whole: Schemas["Timeline"] | null;
}

export interface DiffSide {
  session_id: string;
  start: string;
  end: string;
  requests: number;
  cost: number;
  total_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  duration_seconds: number;
  failed_requests: number;
}

export interface DiffStep {
  index: number;
  request_id: string;
  started_at: string;
  model: string;
  status: string;
  cost: number;
  total_tokens: number;
  seconds: number;
  tools: string[];
}

export interface DiffTurn {
  operation: "equal" | "changed" | "only_a" | "only_b";
  a: DiffStep | null;
  b: DiffStep | null;
  differs: string[];
  cost_delta: number | null;
  tokens_delta: number | null;
  seconds_delta: number | null;
}

export interface SessionDiff {
  a: DiffSide;
  b: DiffSide;
  first_divergence: { turn: number; what: string[] } | null;
  turns: DiffTurn[];
  content_compared: boolean;
  complete: boolean;
}
