// What the address says about window, zone and filters, checked: what it cannot mean is left out and named.

import { computed, signal } from "@preact/signals";
import { href, location } from "./router";
import { t } from "./text";
import { browserZone, DEFAULT_RANGE, isMoment, isZone, RANGES, type Range, resolve, type Window } from "./time";

/** Filters, by the names that the API and the address have for them: those that analytics and reports take … */
export const ANALYTICS_FILTERS = ["agent_name", "model", "team_id", "user_id", "origin"] as const;
/** … those that all lists take, too … */
const LIST_FILTERS = [
  "agent_name",
  "model",
  "team_id",
  "user_id",
  "end_user",
  "key",
  "provider",
  "tag",
  "tool",
  "conversation_name",
  "status",
  "has_tool_calls",
  "min_cost",
  "min_tokens",
  "min_duration",
] as const;
/** … and those of one list. */
export const SESSION_FILTERS = [...LIST_FILTERS, "max_cost", "min_requests", "id_prefix", "origin"] as const;
export const REQUEST_FILTERS = [...LIST_FILTERS, "error_class", "call_type", "session_id", "origin"] as const;
/** Those that suggestions and histograms take. */
export const FACET_FILTERS = [...ANALYTICS_FILTERS, "end_user", "key", "provider", "tag", "session_id"] as const;
const FILTERS = [...new Set([...SESSION_FILTERS, ...REQUEST_FILTERS])];
export type FilterName = (typeof FILTERS)[number];

const CHOICES: Partial<Record<FilterName, readonly string[]>> = {
  status: ["success", "failure"],
  origin: ["user", "internal", "read", "unknown"],
  has_tool_calls: ["true", "false"],
};
export const choicesOf = (name: FilterName): readonly string[] | undefined => CHOICES[name];

const NUMBERS: readonly FilterName[] = ["min_cost", "max_cost", "min_requests", "min_tokens", "min_duration"];
export const isNumeric = (name: FilterName): boolean => NUMBERS.includes(name);

export interface View {
  window: Window;
  zone: string;
  filters: Partial<Record<FilterName, string>>;
  /** Sentences about what in the address cannot be meant. */
  faults: string[];
}

/** Reads an address's parameters. */
export function parseView(query: URLSearchParams, readersZone: string): View {
  const faults: string[] = [];
  let window: Window = { range: DEFAULT_RANGE };
  const range = query.get("range");
  const from = query.get("from");
  const to = query.get("to");
  if (from !== null || to !== null) {
    if (from && isMoment(from) && (to === null || (isMoment(to) && new Date(to) > new Date(from)))) {
      window = { from, to };
    } else {
      faults.push(t.address.window(from ?? "", to ?? ""));
    }
  } else if (range !== null) {
    if ((RANGES as readonly string[]).includes(range)) window = { range: range as Range };
    else faults.push(t.address.range(range));
  }
  const asked = query.get("zone");
  let zone = readersZone;
  if (asked !== null) {
    if (isZone(asked)) zone = asked;
    else faults.push(t.address.zone(asked, readersZone));
  }
  const filters: View["filters"] = {};
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value === null || value === "") continue;
    const choices = CHOICES[name];
    const number = Number(value);
    if ((choices && !choices.includes(value)) || (isNumeric(name) && (!Number.isFinite(number) || number < 0))) {
      faults.push(t.address.filter(t.filters[name], value));
      continue;
    }
    filters[name] = value;
  }
  return { window, zone, filters, faults };
}

/** Now, for all answers of a page: it moves on when the reader refreshes or goes to another view. */
export const now = signal(new Date());

export const view = computed(() => parseView(location.value.query, browserZone()));
export const zone = computed(() => view.value.zone);
export const windowParams = computed(() => resolve(view.value.window, view.value.zone, now.value));

/** The filters that some answers take. */
export function pickFilters<Name extends FilterName>(names: readonly Name[]): Partial<Record<Name, string>> {
  const all = view.value.filters;
  return Object.fromEntries(names.filter((name) => all[name] != null).map((name) => [name, all[name]])) as Partial<
    Record<Name, string>
  >;
}

const CARRIED = ["range", "from", "to", "zone"];

/** A link to another page that keeps window and zone, and filters where the page takes them. */
export function link(
  path: string,
  query: Record<string, string | null | undefined> = {},
  keep: readonly string[] = [],
): string {
  const kept: Record<string, string | null | undefined> = {};
  for (const name of [...CARRIED, ...keep]) kept[name] = location.value.query.get(name);
  return href(path, { ...kept, ...query });
}

export const sessionLink = (id: string, query: Record<string, string | null | undefined> = {}): string =>
  link(`/sessions/${encodeURIComponent(id)}`, query);
export const requestLink = (id: string): string => link(`/requests/${encodeURIComponent(id)}`);
