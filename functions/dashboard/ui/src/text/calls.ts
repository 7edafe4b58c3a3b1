// Calls.

export const calls = {
  calls: {
    latency: "Response times by model",
    latencyHint: "Bars: median to p95; the tick is p99.",
    errors: "Failed requests by error and model",
    noErrors: "No failed requests.",
    tools: "Tools",
    noTools: "No tool calls.",
    cache: "LiteLLM's response cache",
    p50: "p50",
    p95: "p95",
    p99: "p99",
    ttft: "First token, p50",
    speed: "Tokens per second",
    errorRate: "Failed",
    hits: "Hits",
    hitRate: "Hit rate",
    cachedShare: "Cached prompt tokens",
    error: "Error",
    tool: "Tool",
  },
};
