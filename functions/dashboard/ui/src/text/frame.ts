// What all pages have around them.

import { counted } from "../format";

export const frame = {
  name: "LLM Traceability",
  pages: {
    overview: "Overview",
    sessions: "Sessions",
    session: "Session",
    requests: "Requests",
    request: "Request",
    costs: "Costs",
    calls: "Calls",
    diff: "Compare sessions",
    quality: "Data quality",
    login: "Log in",
    missing: "Page not found",
  },
  nav: "Pages",
  skip: "Skip to content",
  refresh: "Refresh",
  asOf: (when: string) => `as of ${when}`,
  asOfDiffer: (from: string, to: string) =>
    `Parts of this page are of different times: ${from} to ${to}. Refresh to read them again.`,
  theme: { label: "Colors", auto: "Auto", light: "Light", dark: "Dark" },
  window: {
    label: "Time range",
    custom: "Custom range…",
    from: "From",
    to: "Up to and including",
    apply: "Apply",
    zone: "Time zone",
    yours: "your zone",
    ranges: {
      today: "Today",
      yesterday: "Yesterday",
      "7d": "Last 7 days",
      "30d": "Last 30 days",
      "90d": "Last 90 days",
      month: "This month",
      "last-month": "Last month",
    },
  },
  address: {
    range: (found: string) =>
      `The address asks for the time range “${found}”, which does not exist. You see the last 30 days.`,
    window: (from: string, to: string) =>
      `The address asks for the time from “${from}” to “${to}”, which is not a time range. You see the last 30 days.`,
    zone: (found: string, used: string) =>
      `The address asks for the time zone “${found}”, which is not known. Times are in ${used}.`,
    filter: (name: string, found: string) =>
      `The address filters ${name.toLowerCase()} by “${found}”, which is not possible. The filter is left out.`,
    fix: "Use the address without it",
  },
  who: {
    anonymous: "No login",
    rows: { all: "all rows", own: "your own rows" } as Record<string, string>,
    teams: (count: number) => counted(count, "team", "teams"),
    users: (count: number) => counted(count, "user", "users"),
    agents: (count: number) => counted(count, "agent", "agents"),
    noContent: "no message text",
    key: "Your key",
  },
  keys: {
    title: "Keyboard",
    help: "Show the keys",
    close: "Close",
    open: "Open",
    down: "Next row",
    up: "Previous row",
    enter: "Open the row",
    pick: "Pick the row to compare",
    nextTurn: "Next turn",
    previousTurn: "Previous turn",
    nextHuman: "Next turn of a person",
    previousHuman: "Previous turn of a person",
    nextFailure: "Next failure",
    nextDifference: "Next difference",
    previousDifference: "Previous difference",
    first: "First turn",
    last: "Last turn",
    search: "Search",
  },
  missing: (path: string) => `There is no page ${path}.`,
  back: "Go to the overview",
};
