// Searching a whole session: page after page, of which only the numbers of the turns with a hit are kept.

import { follow, type Schemas } from "./api/client";
import { messagesPath } from "./api/timeline";

type SessionMessage = Schemas["SessionMessage"];

/** All text of a turn, to be searched. */
export function textOf(turn: SessionMessage): string {
  return turn.messages
    .flatMap((message) => [
      message.text,
      message.reasoning,
      message.refusal,
      message.name,
      ...(message.tool_calls ?? []).flatMap((call) => [
        call.name,
        JSON.stringify(call.arguments ?? call.arguments_text ?? ""),
      ]),
    ])
    .filter((text): text is string => text != null)
    .join("\n");
}

export interface Progress {
  hits: number[];
  searched: number;
  done: boolean;
}

export async function searchSession(
  id: string,
  words: string,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const wanted = words.toLocaleLowerCase();
  const hits: number[] = [];
  let searched = 0;
  let path: string | null = messagesPath(id, 500);
  while (path) {
    const page: { data: SessionMessage[]; next: string | null } = await follow<SessionMessage[]>(path, signal);
    for (const turn of page.data) {
      if (textOf(turn).toLocaleLowerCase().includes(wanted)) hits.push(turn.message_sequence - 1);
    }
    searched += page.data.length;
    path = page.next;
    onProgress({ hits: [...hits], searched, done: path === null });
  }
}
