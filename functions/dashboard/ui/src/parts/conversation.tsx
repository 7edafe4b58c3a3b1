import { useEffect, useRef } from "preact/hooks";
import type { SessionMessage, Timeline } from "../api/shapes";
import { nameAt } from "../api/timeline";
import { duration, money } from "../format";
import { requestLink } from "../state";
import { t } from "../text";
import { Messages, Missing } from "./message";

interface ConversationProps {
  timeline: Timeline;
  turns: SessionMessage[];
  selected: number;
  more: (() => void) | null;
}

/** A session as it is read: each message once, a call beside its result. */
export function Conversation({ timeline, turns, selected, more }: ConversationProps) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector(`[data-turn="${selected}"]`)?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  const all = turns.flatMap((turn) => turn.messages);
  const calls = new Set(all.flatMap((message) => (message.tool_calls ?? []).map((call) => call.id)));
  return (
    <ol class="conversation" ref={list}>
      {turns.map((turn) => {
        const index = turn.message_sequence - 1;
        const shown = turn.messages.filter((message) => !(message.tool_call_id && calls.has(message.tool_call_id)));
        return (
          <li key={turn.request_id} data-turn={index} class={index === selected ? "current" : undefined}>
            <p class="turn-line">
              <a href={requestLink(turn.request_id)}>
                {t.session.step(turn.message_sequence, timeline.whole?.requests ?? null)}
              </a>
              <span class="muted num">
                {duration(turn.response_time_seconds)} · {money(turn.cost)}
              </span>
              {turn.status === "failure" && (
                <span class="badge bad">
                  {nameAt(timeline, timeline.steps.error_class[index]) ?? t.filter.choices.failure}
                </span>
              )}
            </p>
            <Messages messages={shown} later={all} />
            <Missing reason={turn.content_unavailable_reason} />
          </li>
        );
      })}
      {more && (
        <li>
          <button type="button" class="button" onClick={more}>
            {t.session.more}
          </button>
        </li>
      )}
    </ol>
  );
}
