// What is missing, being loaded, or went wrong.

export const states = {
  states: {
    loading: "Loading…",
    slow: "This takes longer than usual. The service is still reading the log.",
    empty: "Nothing in this time range.",
    emptyFiltered: "Nothing in this time range matches the filters.",
    emptyAdvice: "Choose a longer time range, or remove a filter.",
    retryIn: (seconds: number) => `Trying again in ${Math.round(seconds)} s.`,
    retry: "Try again",
    requestId: (id: string) => `Request id ${id}`,
    end: "End of the list",
    more: "Load more",
  },
  problems: {
    status: (status: number) => `The service answered with status ${status}.`,
    unreachable: "The service cannot be reached.",
    away: { title: "The service is not available", advice: "It is asked again until it answers." },
    slow: {
      title: "The database took too long",
      advice: "Choose a shorter time range or add a filter. For large logs, the operator can enable the index.",
    },
    login: { title: "You have to log in", advice: "Your key is missing, expired or revoked." },
    forbidden: {
      title: "Your key does not allow this",
      advice: "Ask the operator of the service for a key with this right, or log in with another one.",
    },
    missing: { title: "Not found", advice: "It does not exist, or it is outside of what your key may see." },
    invalid: { title: "The question is not valid", advice: "Change the filters or the time range." },
    busy: { title: "Too many requests", advice: "It is asked again in a moment." },
    fault: { title: "Something went wrong", advice: "Try again. If it stays, report the request id to the operator." },
  },
  content: {
    reasons: {
      not_stored: "LiteLLM did not store this content.",
      redacted: "LiteLLM replaced this content, since logging was turned off for the request.",
      truncated: "LiteLLM cut this content when it stored it.",
      partial: "LiteLLM stored only a part of this content.",
      deleted: "This content was deleted from LiteLLM's log.",
      cold_storage: "LiteLLM moved this content to cold storage.",
      failed_request: "The request failed before there was a response.",
      not_permitted: "Your key may not read message text.",
    } as Record<string, string>,
    cures: {
      not_stored:
        "To store it from now on, set general_settings.store_prompts_in_spend_logs: true in LiteLLM's configuration.",
      redacted:
        "To store it from now on, unset litellm_settings.turn_off_message_logging, and the same setting of the key or team.",
      truncated: "To store more of each text, raise MAX_STRING_LENGTH_PROMPT_IN_DB in LiteLLM's environment.",
      partial:
        "To store it from now on, set general_settings.store_prompts_in_spend_logs: true in LiteLLM's configuration.",
      deleted:
        "To keep content longer, raise general_settings.maximum_spend_logs_retention_period in LiteLLM's configuration.",
      cold_storage:
        "To keep it in the database, unset litellm_settings.cold_storage_custom_logger in LiteLLM's configuration.",
      failed_request: "",
      not_permitted: "The operator decides by CONTENT_ACCESS, or by content in a service key.",
    } as Record<string, string>,
  },
};
