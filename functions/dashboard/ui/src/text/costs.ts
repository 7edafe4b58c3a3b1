// Costs.

export const costs = {
  costs: {
    by: "Break down by",
    split: "then by",
    nothingElse: "nothing else",
    over: { hour: "Cost per hour", day: "Cost per day", week: "Cost per week" },
    total: "Total",
    export: "Download this time range",
    formats: { csv: "CSV", focus: "FOCUS 1.2", html: "HTML report", markdown: "Markdown" },
    dimensions: {
      team: "Team",
      agent: "Agent",
      model: "Model",
      user: "User",
      end_user: "End user",
      key: "Key",
      provider: "Provider",
      tag: "Tag",
      tool: "Tool",
    },
    overlap: "A request can have several tags or call several tools: shares overlap.",
    filterTo: (name: string) => `Show only ${name}`,
  },
};
