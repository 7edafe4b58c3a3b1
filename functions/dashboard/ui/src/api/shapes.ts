// The page's names for schemas of the API.

import type { Schemas } from "./client";

export type SessionMessage = Schemas["SessionMessage"];
export type Me = Schemas["Me"];

/** One array per column. Columns of names hold indexes into `Timeline.names`. */
export type Steps = Omit<Schemas["TimelineSteps"], "call_id" | "call_type" | "provider" | "parent">;

/** The steps of a session that are loaded so far. */
export interface Timeline {
  start: string;
  names: readonly string[];
  steps: Steps;
  /** The complete answer; null while only the first turns are loaded. */
  whole: Schemas["Timeline"] | null;
}

export type SessionDiff = Schemas["SessionDiff"];
/** The totals of one side. */
export type DiffSide = SessionDiff["a"];
export type DiffTurn = SessionDiff["turns"][number];
