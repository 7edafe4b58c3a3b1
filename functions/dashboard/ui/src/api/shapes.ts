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

export type SessionDiff = Schemas["SessionDiff"];
/** The figures of one of two sessions. */
export type DiffSide = SessionDiff["a"];
export type DiffTurn = SessionDiff["turns"][number];
