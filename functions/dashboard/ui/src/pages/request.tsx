import { answer, client, type Schemas } from "../api/client";
import { useAnswer } from "../api/query";
import { curlOf } from "../curl";
import { duration, exactTime, money, number } from "../format";
import { AsOf } from "../parts/asof";
import { Copy } from "../parts/copy";
import { Layout } from "../parts/layout";
import { Fold, Json, Messages, Missing } from "../parts/message";
import { Shown } from "../parts/states";
import { visible } from "../safe";
import { sessionLink, zone } from "../state";
import { t } from "../text";

type Detail = Schemas["RequestDetail"];
type Fact = [name: string, value: string | null | undefined, to?: string];

function factsOf(detail: Detail): Fact[] {
  const l = t.request.labels;
  const count = (value: number | null | undefined) => (value == null ? null : number(value));
  const named = (value: string | null | undefined) => (value == null || value === "unknown" ? null : value);
  return [
    [l.status, detail.status === "failure" ? t.filter.choices.failure : t.filter.choices.success],
    [l.error, detail.error_class],
    [l.model, detail.model_group ?? detail.model],
    [l.deployed, detail.model_group && detail.model_group !== detail.model ? detail.model : null],
    [l.provider, detail.provider],
    [l.api, detail.api_base],
    [l.callType, detail.call_type],
    [l.start, exactTime(detail.request_start, zone.value)],
    [l.took, duration(detail.total_time)],
    [l.ttft, detail.time_to_first_token == null ? null : duration(detail.time_to_first_token)],
    [l.prompt, number(detail.prompt_tokens)],
    [l.cached, count(detail.cached_tokens)],
    [l.completion, number(detail.completion_tokens)],
    [l.reasoning, count(detail.reasoning_tokens)],
    [l.cost, money(detail.cost)],
    [l.cache, detail.cache_hit === "True" ? t.request.hit : null],
    [l.agent, named(detail.agent_name)],
    [l.user, named(detail.user_id)],
    [l.endUser, detail.end_user],
    [l.team, detail.team_id],
    [l.key, detail.key_alias],
    [l.tags, detail.request_tags.length > 0 ? detail.request_tags.join(", ") : null],
    [l.conversation, detail.conversation_name === "default" ? null : detail.conversation_name],
    [l.origin, detail.origin ? t.filter.choices[detail.origin] : null],
    [l.session, detail.session_id, sessionLink(detail.session_id)],
    [l.callId, detail.litellm_call_id],
    [l.quality, detail.data_quality.length > 0 ? detail.data_quality.join(", ") : null],
  ];
}

/** The parts of the cost that LiteLLM noted, in its metadata. */
function breakdownOf(detail: Detail): [string, number][] {
  const metadata = detail.metadata as { cost_breakdown?: Record<string, unknown> } | null | undefined;
  return Object.entries(metadata?.cost_breakdown ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
}

function Costs({ detail }: { detail: Detail }) {
  const parts = breakdownOf(detail);
  if (parts.length === 0) return <p class="muted">{t.request.noBreakdown}</p>;
  const total = parts.find(([name]) => name === "total_cost")?.[1];
  return (
    <>
      <table>
        <tbody>
          {parts.map(([name, amount]) => (
            <tr key={name}>
              <th scope="row">{t.request.breakdown[name] ?? visible(name)}</th>
              <td class="num">{name.endsWith("percent") ? `${number(amount)} %` : money(amount)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {total !== undefined && Math.abs(total - detail.cost) > 1e-9 && (
        <p class="missing">{t.request.lostCost(money(total), money(detail.cost))}</p>
      )}
    </>
  );
}

export function RequestPage({ id }: { id: string }) {
  const params = { path: { request_id: id } };
  const asked = useAnswer(`request ${id}`, (signal) =>
    answer(client.GET("/api/v1/requests/{request_id}", { params, signal })),
  );
  const said = useAnswer(`messages ${id}`, (signal) =>
    answer(client.GET("/api/v1/requests/{request_id}/messages", { params, signal })),
  );
  const detail = asked.data;
  return (
    <Layout
      title={t.pages.request}
      windowed={false}
      aside={
        <>
          <bdi class="mono id break">{visible(id)}</bdi>
          <Copy text={() => id} label={t.request.copyId} />
          {detail && <Copy text={() => curlOf(detail)} label={t.message.curl} />}
          <AsOf times={[asked.asOf]} />
        </>
      }
    >
      <Shown asked={asked} rows={8}>
        {(found) => (
          <div class="grid request">
            <section class="card">
              <h2>{t.request.facts}</h2>
              <dl class="facts wide">
                {factsOf(found)
                  .filter(([, value]) => value != null && value !== "")
                  .map(([name, value, to]) => (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd>
                        {to ? (
                          <a href={to}>
                            <bdi>{visible(value ?? "")}</bdi>
                          </a>
                        ) : (
                          <bdi>{visible(value ?? "")}</bdi>
                        )}
                      </dd>
                    </div>
                  ))}
              </dl>
              <h2>{t.request.costs}</h2>
              <Costs detail={found} />
              <h2>{t.request.parameters}</h2>
              {Object.keys(found.request_parameters as object).length === 0 ? (
                <p class="muted">{t.request.noParameters}</p>
              ) : (
                <Json value={found.request_parameters} />
              )}
            </section>
            <section class="card">
              <Shown asked={said} rows={8}>
                {(messages) => (
                  <>
                    <h2>{t.request.prompt}</h2>
                    <Messages messages={messages.messages.filter((message) => message.source === "prompt")} />
                    <Missing reason={messages.prompt_availability.content_unavailable_reason} />
                    <h2>{t.request.response}</h2>
                    <Messages messages={messages.messages.filter((message) => message.source === "response")} />
                    <Missing reason={messages.response_availability.content_unavailable_reason} />
                  </>
                )}
              </Shown>
              <h2>{t.request.raw}</h2>
              <p class="muted small">{t.request.rawHint}</p>
              {(
                [
                  [t.request.prompt, found.messages],
                  [t.request.response, found.response],
                  [t.request.metadata, found.metadata],
                ] as const
              ).map(
                ([name, value]) =>
                  value != null && (
                    <Fold key={name} title={name}>
                      {() => <Json value={value} />}
                    </Fold>
                  ),
              )}
            </section>
          </div>
        )}
      </Shown>
    </Layout>
  );
}
