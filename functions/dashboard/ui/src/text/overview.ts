// The overview.

import { counted } from "../format";

export const overview = {
  overview: {
    tiles: {
      cost: "Cost",
      requests: "Requests",
      sessions: "Sessions",
      tokens: "Tokens",
      failures: "Failed requests",
      p95: "Response time, p95",
    },
    previous: (value: string) => `before: ${value}`,
    noPrevious: "nothing before",
    chart: { hour: "Cost per hour", day: "Cost per day", week: "Cost per week" },
    chartHint: "Drag to zoom",
    previousPeriod: "Previous period",
    thisPeriod: "This period",
    sums: (steps: number, step: "hour" | "day" | "week", total: string) =>
      `${counted(steps, step, `${step}s`)} = ${total}`,
    sumsTrue: "The parts add up to the total.",
    sumsFalse: (difference: string) =>
      `The parts and the total differ by ${difference}: they were read at different times.`,
    top: { agents: "Agents", models: "Models", teams: "Teams", users: "Users" },
    other: "All others",
    sessions: "Most expensive sessions",
    budgets: "Budgets and forecast",
    noBudgets: "No budgets are set.",
    forecast: (month: string, expected: string) => `${month} is expected to end at ${expected}.`,
    forecastRange: (low: string, high: string) => `In 80 of 100 cases between ${low} and ${high}.`,
    noForecast: "No forecast.",
    spent: (spent: string, amount: string) => `${spent} of ${amount}`,
    overrun: (amount: string) => `expected to exceed it by ${amount}`,
    unusual: "Unusual days",
    noUnusual: "No unusual days.",
    firstSeen: "Seen for the first time",
    noFirstSeen: "No new models, agents or users.",
    firstSeenUnknown: "The log does not reach further back, so nothing can be called new.",
    kinds: { models: "Model", agents: "Agent", users: "User" },
    zoomTable: "Show as a table",
  },
};
