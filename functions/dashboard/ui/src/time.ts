// Windows of time. The page names days; where they begin is the server's to say: it is sent the zone.

/** The windows that have a name in the address. */
export const RANGES = ["today", "yesterday", "7d", "30d", "90d", "month", "last-month"] as const;
export type Range = (typeof RANGES)[number];

/** A window as the address has it: by name, or from a day or instant up to another, which does not belong to it. */
export type Window = { range: Range } | { from: string; to: string | null };

export const DEFAULT_RANGE: Range = "30d";

/** What the API is asked for. */
export interface WindowParams {
  start_date: string;
  end_date: string;
  timezone: string;
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone.length > 0;
  } catch {
    return false;
  }
}

let readersZone: string | undefined;

/** The zone of the reader's browser. */
export function browserZone(): string {
  // Asking for it takes a quarter of a millisecond.
  readersZone ??= new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  return readersZone;
}

/** The zones to choose from: the reader's, UTC, then all others. */
export function zones(): string[] {
  const all = Intl.supportedValuesOf("timeZone");
  return [...new Set([browserZone(), "UTC", ...all])];
}

/** Today's date in a zone: `2026-11-28`. */
export function today(zone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone: zone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(now);
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Whether a text of the address is a day or an instant. */
export function isMoment(text: string): boolean {
  if (!DAY.test(text) && !INSTANT.test(text)) return false;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && (!DAY.test(text) || date.toISOString().startsWith(text));
}

/** The calendar day so many days later. Days of a calendar have no zone. */
export function addDays(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

const firstOfMonth = (day: string, months: number): string => {
  const date = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, 10);
};

/** The window's ends as days or instants; one that is not over ends at `now`, the same for all answers of a page. */
export function resolve(window: Window, zone: string, now: Date): WindowParams {
  const instant = now.toISOString().replace(/\.\d+Z$/, "Z");
  const day = today(zone, now);
  const params = (start: string, end: string) => ({ start_date: start, end_date: end, timezone: zone });
  if ("from" in window) return params(window.from, window.to ?? instant);
  switch (window.range) {
    case "today":
      return params(day, instant);
    case "yesterday":
      return params(addDays(day, -1), day);
    case "7d":
      return params(addDays(day, -6), instant);
    case "30d":
      return params(addDays(day, -29), instant);
    case "90d":
      return params(addDays(day, -89), instant);
    case "month":
      return params(firstOfMonth(day, 0), instant);
    case "last-month":
      return params(firstOfMonth(day, -1), firstOfMonth(day, 0));
  }
}

/** About how many days a window has: it decides on the steps of a chart, nothing else. */
export const spanDays = (params: WindowParams): number =>
  (new Date(params.end_date).getTime() - new Date(params.start_date).getTime()) / 86_400_000;

export type Granularity = "hour" | "day" | "week";

export function granularityOf(params: WindowParams): Granularity {
  const days = spanDays(params);
  return days <= 2.1 ? "hour" : days <= 120 ? "day" : "week";
}

/** The window of some steps of a chart: from the start of the first up to the start of the one after the last. */
export function zoomed(starts: string[], first: number, last: number, whole: WindowParams): Window {
  const from = first === 0 ? whole.start_date : (starts[first] ?? whole.start_date);
  const next = starts[last + 1];
  return { from, to: next ?? whole.end_date };
}
