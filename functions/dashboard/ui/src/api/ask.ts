// The questions that pages share.

import {
  ANALYTICS_FILTERS,
  type FACET_FILTERS,
  type FilterName,
  link as linkTo,
  pickFilters,
  windowParams,
} from "../state";
import { granularityOf } from "../time";
import { answer, client, follow, pathOf, type Schemas } from "./client";
import { type Asked, useAnswer } from "./query";

export type Dimension = "team" | "agent" | "model" | "user" | "end_user" | "key" | "provider" | "tag" | "tool";
export const DIMENSIONS: Dimension[] = ["team", "agent", "model", "user", "end_user", "key", "provider", "tag", "tool"];

/** Which filter chooses one of a dimension. */
export const FILTER_OF = {
  team: "team_id",
  agent: "agent_name",
  model: "model",
  user: "user_id",
  end_user: "end_user",
  key: "key",
  provider: "provider",
  tag: "tag",
  tool: "tool",
} as const satisfies Record<Dimension, FilterName>;

type Origin = Schemas["Origin"];

/** Window, zone and filters, as analytics take them. */
export function analyticsQuery(names: readonly (typeof FACET_FILTERS)[number][] = ANALYTICS_FILTERS) {
  const { origin, ...filters } = pickFilters(names);
  return { ...windowParams.value, ...filters, ...(origin ? { origin: origin as Origin } : {}) };
}

export function useOverview(details: "totals" | "with-percentiles"): Asked<Schemas["Overview"]> {
  const query = { ...analyticsQuery(), compare: "previous" as const, details: details === "with-percentiles" };
  return useAnswer(pathOf("overview", query), (signal) =>
    answer(client.GET("/api/v1/analytics/overview", { params: { query }, signal })),
  );
}

export function useTrend(): Asked<Schemas["UsageTrend"][]> {
  const query = { ...analyticsQuery(), compare: "previous" as const, granularity: granularityOf(windowParams.value) };
  return useAnswer(pathOf("trend", query), (signal) =>
    answer(client.GET("/api/v1/analytics/usage-trends", { params: { query }, signal })),
  );
}

export function useBreakdown(
  groupBy: Dimension[],
  top: number,
  series: "totals" | "over-time",
): Asked<Schemas["CostShare"][]> {
  const query = {
    ...analyticsQuery(),
    group_by: groupBy,
    top,
    ...(series === "over-time" ? { granularity: granularityOf(windowParams.value) } : {}),
  };
  return useAnswer(pathOf("breakdown", query), (signal) =>
    answer(client.GET("/api/v1/analytics/cost-breakdown", { params: { query }, signal })),
  );
}

export function useReport(top: number): Asked<Schemas["CostReport"]> {
  const query = { ...analyticsQuery(), top };
  // The document also knows its other formats, which are text.
  const path = pathOf("/api/v1/reports/cost", query);
  return useAnswer(path, (signal) => follow<Schemas["CostReport"]>(path, signal));
}

/**
 * A link to this window narrowed down to one of a dimension: on the same page, or else where that filter is, in the list
 * of requests. Null where no filter does that.
 */
export function narrowed(path: string, dimension: Dimension, id: string): string | null {
  const name = FILTER_OF[dimension];
  if (id === "other") return null;
  const hasFilter = (ANALYTICS_FILTERS as readonly FilterName[]).includes(name);
  return linkTo(hasFilter ? path : "/requests", { [name]: id }, ANALYTICS_FILTERS);
}
