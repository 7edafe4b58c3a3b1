// Data quality.

import { duration } from "../format";

export const quality = {
  quality: {
    lead: "What the log does not tell, or tells wrong.",
    unpriced: "Models without a price",
    unpricedText: (requests: string, tokens: string) => `${requests} requests with ${tokens} tokens cost nothing.`,
    unpricedCure:
      "Set input_cost_per_token and output_cost_per_token in the model_info of these models in LiteLLM's configuration.",
    noUnpriced: "All models have a price.",
    lost: "Cost that was not charged",
    lostText: (requests: string, cost: string) =>
      `${requests} requests: their breakdown has ${cost} that the log did not charge.`,
    noLost: "The log charged all costs of the breakdowns.",
    lostUnknown: "Not known: the index has no copy of the breakdowns.",
    sessions: "Requests without a session",
    sessionsText: (requests: string) => `${requests} requests came without a session id. Each is a session of its own.`,
    sessionsCure: "Send metadata.session_id, or the header x-litellm-session-id, with each request.",
    noSessions: "All requests have a session.",
    flags: "Doubtful requests",
    noFlags: "No doubtful requests.",
    origins: "Who made the requests",
    index: "Where answers come from",
    log: "From LiteLLM's log. There is no index.",
    states: {
      ready: "From the index, which is up to date.",
      behind: "From the index, which is behind the log.",
      filling: "From LiteLLM's log. The index is being filled and takes over when it has all of the log.",
      unavailable: "The database of the index cannot be read.",
    } as Record<string, string>,
    lag: (seconds: number) => `${duration(seconds)} behind the log`,
    unknown: "Not known for so many requests.",
    newest: "Newest request",
  },
};
