// A request as a command for a shell, to be sent again to LiteLLM.

import type { Schemas } from "./api/client";

type Detail = Schemas["RequestDetail"];

/** Where LiteLLM takes each type of call, and which parameter has the prompt. */
const PLACES: [type: RegExp, path: string, prompt: string][] = [
  [/anthropic_messages/, "/v1/messages", "messages"],
  [/responses/, "/v1/responses", "input"],
  [/embedding/, "/v1/embeddings", "input"],
  [/text_completion/, "/v1/completions", "prompt"],
  [/image_generation/, "/v1/images/generations", "prompt"],
  [/moderation/, "/v1/moderations", "input"],
  [/rerank/, "/v1/rerank", "query"],
];

/** A text as one word of a POSIX shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function curlOf(
  detail: Pick<Detail, "call_type" | "model" | "model_group" | "messages" | "request_parameters">,
): string {
  const [, path, prompt] = PLACES.find(([type]) => type.test(detail.call_type ?? "")) ?? [
    null,
    "/v1/chat/completions",
    "messages",
  ];
  const body: Record<string, unknown> = {
    model: detail.model_group ?? detail.model,
    ...(detail.request_parameters as Record<string, unknown>),
  };
  if (detail.messages !== null && detail.messages !== undefined) body[prompt] = detail.messages;
  return [
    `curl "$LITELLM_URL${path}"`,
    `-H "Authorization: Bearer $LITELLM_KEY"`,
    `-H "Content-Type: application/json"`,
    `--data-binary ${quote(JSON.stringify(body, null, 2))}`,
  ].join(" \\\n  ");
}
