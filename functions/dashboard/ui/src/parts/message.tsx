import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { size } from "../format";
import { FIRST, pretty, visible } from "../safe";
import { t } from "../text";
import { Copy } from "./copy";

type Message = Schemas["ChatMessage"];
type ToolCall = Schemas["ToolCall"];

/** Text that others wrote, as text and nothing else. A long one is shown in part at first. */
export function Text({ text, mono = false }: { text: string; mono?: boolean }) {
  const [whole, setWhole] = useState(false);
  const shown = whole || text.length <= FIRST ? text : text.slice(0, FIRST);
  return (
    <>
      <pre class={mono ? "text mono" : "text"} dir="auto">
        {visible(shown)}
      </pre>
      {shown.length < text.length && (
        <button type="button" class="button quiet" onClick={() => setWhole(true)}>
          {t.message.showAll(size(text.length))}
        </button>
      )}
    </>
  );
}

export function Fold({
  title,
  children,
  open = false,
}: {
  title: ComponentChildren;
  children: () => ComponentChildren;
  open?: boolean;
}) {
  const [isOpen, setOpen] = useState(open);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && children()}
    </details>
  );
}

export const Json = ({ value }: { value: unknown }) => <Text mono text={pretty(value)} />;

/** Why content is missing, and which setting of LiteLLM's cures it. */
export function Missing({ reason }: { reason: string | null | undefined }) {
  if (!reason) return null;
  return (
    <p class="missing" data-reason={reason}>
      {t.content.reasons[reason] ?? reason} <span class="muted">{t.content.cures[reason] ?? ""}</span>
    </p>
  );
}

function Call({ call, result }: { call: ToolCall; result: Message | undefined }) {
  return (
    <div class="call">
      <div>
        <p class="call-name">
          {t.message.call("")}
          <bdi class="mono">{visible(call.name)}</bdi>
        </p>
        {call.arguments != null ? (
          <Json value={call.arguments} />
        ) : call.arguments_text ? (
          <Text mono text={call.arguments_text} />
        ) : null}
      </div>
      <div>
        <p class="call-name muted">{result ? t.message.result : t.message.noResult}</p>
        {result?.text != null && <Text mono text={result.text} />}
        {result && <Rest message={result} />}
      </div>
    </div>
  );
}

function Rest({ message }: { message: Message }) {
  return (
    <>
      {message.refusal != null && (
        <p>
          <span class="badge bad">{t.message.refusal}</span> <bdi>{visible(message.refusal)}</bdi>
        </p>
      )}
      {message.parts?.map((part, index) => (
        <div class="part" key={`part-${index.toString()}`}>
          <span class="badge">{t.message.part(part.kind)}</span> {part.media_type}{" "}
          {part.name && <bdi>{visible(part.name)}</bdi>}
          {part.url && (
            <p class="muted">
              {t.message.partLink}: <bdi class="mono break">{visible(part.url)}</bdi>
            </p>
          )}
        </div>
      ))}
      {message.truncated && <p class="missing">{t.message.truncated(size(message.truncated.skipped_characters))}</p>}
      {message.redacted && <p class="missing">{t.message.redacted}</p>}
    </>
  );
}

interface MessageViewProps {
  message: Message;
  /** The result of a call, by the call's id. */
  resultOf: (id: string) => Message | undefined;
}

export function MessageView({ message, resultOf }: MessageViewProps) {
  const role = message.role.toLowerCase();
  const calls = message.tool_calls ?? [];
  const title =
    role === "tool" && message.name
      ? t.message.resultOf(visible(message.name))
      : (t.message.roles[role] ?? visible(message.role));
  return (
    <article class={`message role-${t.message.roles[role] ? role : "other"}`}>
      <header>
        <strong>{title}</strong>
        {message.name && role !== "tool" && <bdi class="muted">{visible(message.name)}</bdi>}
        {message.choice != null && message.choice > 0 && <span class="badge">{t.message.choice(message.choice)}</span>}
        {message.text != null && message.text !== "" && <Copy text={() => message.text ?? ""} />}
      </header>
      {message.reasoning != null && message.reasoning !== "" && (
        <Fold title={t.message.reasoning}>{() => <Text text={message.reasoning ?? ""} />}</Fold>
      )}
      {message.text != null && message.text !== "" && (
        <Text text={message.text} mono={role === "tool" || role === "function"} />
      )}
      {calls.map((call, index) => (
        <Call
          key={call.id ?? `call-${index.toString()}`}
          call={call}
          result={call.id ? resultOf(call.id) : undefined}
        />
      ))}
      <Rest message={message} />
      {message.raw != null && <Fold title={t.message.raw}>{() => <Json value={message.raw} />}</Fold>}
    </article>
  );
}

/** Messages in order, each once; a tool's result stands beside its call where that is among them. */
export function Messages({ messages, later = [] }: { messages: readonly Message[]; later?: readonly Message[] }) {
  const results = new Map<string, Message>();
  for (const message of [...messages, ...later]) {
    if (message.tool_call_id && !results.has(message.tool_call_id)) results.set(message.tool_call_id, message);
  }
  const called = new Set(messages.flatMap((message) => (message.tool_calls ?? []).map((call) => call.id)));
  return (
    <>
      {messages.map((message, index) =>
        message.tool_call_id && called.has(message.tool_call_id) ? null : (
          <MessageView key={`message-${index.toString()}`} message={message} resultOf={(id) => results.get(id)} />
        ),
      )}
    </>
  );
}
