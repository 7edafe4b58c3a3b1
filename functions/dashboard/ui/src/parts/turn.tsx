import { answer, client, type Schemas } from "../api/client";
import { useAnswer } from "../api/query";
import type { SessionMessage, Timeline } from "../api/shapes";
import { isFailure, modelOf, nameAt } from "../api/timeline";
import { duration, exactTime, money, number } from "../format";
import { visible } from "../safe";
import { requestLink, zone } from "../state";
import { t } from "../text";
import { promptParts } from "../waterfall";
import { Fold, Messages, Missing } from "./message";
import { Shown } from "./states";

type Message = Schemas["ChatMessage"];

/** How many messages at the start of a prompt are of earlier turns: up to the last answer that is in it. */
export function historyOf(messages: readonly Message[]): number {
  const prompt = messages.filter((message) => message.source === "prompt");
  return prompt.findLastIndex((message) => message.role === "assistant") + 1;
}

interface TurnProps {
  timeline: Timeline;
  index: number;
  /** The turns whose new messages are loaded, by request id. */
  loaded: ReadonlyMap<string, SessionMessage>;
}

export function TurnFacts({ timeline, index }: { timeline: Timeline; index: number }) {
  const { steps } = timeline;
  const startedAt = new Date(Date.parse(timeline.start) + 1000 * (steps.started_after[index] ?? 0)).toISOString();
  const { cached, repeated, known } = promptParts(steps, index);
  const facts: [string, string][] = [
    [t.request.labels.model, visible(modelOf(timeline, index))],
    [t.request.labels.start, exactTime(startedAt, zone.value)],
    [t.request.labels.took, duration(steps.seconds[index])],
    [t.request.labels.prompt, number(steps.prompt_tokens[index])],
    [t.request.labels.completion, number(steps.completion_tokens[index])],
    [t.request.labels.cost, money(steps.cost[index])],
  ];
  if (steps.time_to_first_token[index] != null)
    facts.splice(3, 0, [t.request.labels.ttft, duration(steps.time_to_first_token[index])]);
  if (cached > 0) facts.splice(-2, 0, [t.request.labels.cached, number(cached)]);
  if (known && repeated > 0) facts.splice(-2, 0, [t.session.legend.repeated, number(repeated)]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** One turn by itself: what it added, and its history folded. */
export function Turn({ timeline, index, loaded }: TurnProps) {
  const { steps } = timeline;
  const id = steps.request_id[index] ?? "";
  const exact = loaded.get(id);
  const following = loaded.get(steps.request_id[index + 1] ?? "");
  const asked = useAnswer(exact ? null : `messages ${id}`, (signal) =>
    answer(client.GET("/api/v1/requests/{request_id}/messages", { params: { path: { request_id: id } }, signal })),
  );
  const title = t.session.step(index + 1, timeline.whole?.requests ?? null);
  return (
    <section class="turn" aria-label={title}>
      <header class="turn-head">
        <h2>{title}</h2>
        {isFailure(timeline, index) && (
          <span class="badge bad">{nameAt(timeline, steps.error_class[index]) ?? t.filter.choices.failure}</span>
        )}
        <a href={requestLink(id)}>{t.session.open}</a>
      </header>
      <TurnFacts timeline={timeline} index={index} />
      {exact ? (
        <>
          {!exact.content_available && <Missing reason={exact.content_unavailable_reason} />}
          <Messages messages={exact.messages} later={following?.messages ?? []} />
          {exact.content_available && <Missing reason={exact.content_unavailable_reason} />}
        </>
      ) : (
        <Shown asked={asked} rows={6}>
          {(found) => {
            const history = historyOf(found.messages);
            return (
              <>
                {history > 0 && (
                  <Fold title={t.session.history(history)}>
                    {() => <Messages messages={found.messages.slice(0, history)} />}
                  </Fold>
                )}
                <Messages messages={found.messages.slice(history)} later={following?.messages ?? []} />
                <Missing reason={found.content_unavailable_reason} />
              </>
            );
          }}
        </Shown>
      )}
    </section>
  );
}
