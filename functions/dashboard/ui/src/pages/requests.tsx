import { useRef, useState } from "preact/hooks";
import { follow, pathOf } from "../api/client";
import { merge, type Request, useLive } from "../api/live";
import { useAnswer } from "../api/query";
import { duration, exactTime, money, number, time } from "../format";
import { useKeys } from "../keys";
import { AsOf } from "../parts/asof";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { More } from "../parts/more";
import { Scroll } from "../parts/scroll";
import { Shown } from "../parts/states";
import { location, navigate, setQuery } from "../router";
import { visible } from "../safe";
import { pickFilters, REQUEST_FILTERS, requestLink, sessionLink, view, windowParams, zone } from "../state";
import { t } from "../text";

const PAGE = 50;
/** Whether the window is still going on: only then can there be newer requests. */
function isOngoing(): boolean {
  const { window } = view.value;
  return "range" in window ? !["yesterday", "last-month"].includes(window.range) : window.to === null;
}

function Rows({ requests, current }: { requests: Request[]; current: string | null }) {
  return (
    <tbody>
      {requests.map((request) => (
        <tr
          key={request.request_id}
          class={request.request_id === current ? "current" : undefined}
          data-request={request.request_id}
        >
          <th scope="row" class="nowrap">
            <a href={requestLink(request.request_id)} title={exactTime(request.request_start, zone.value)}>
              {time(request.request_start, zone.value)}
            </a>
          </th>
          <td>
            {request.status === "failure" ? (
              <span class="badge bad">✕</span>
            ) : (
              <span class="ok" aria-hidden="true">
                ●
              </span>
            )}
            <span class="visually-hidden">{request.status}</span>
          </td>
          <td>
            <bdi class="name">{visible(request.model_group ?? request.model)}</bdi>
          </td>
          <td>
            <a href={sessionLink(request.session_id)} class="name mono">
              <bdi>{visible(request.session_id)}</bdi>
            </a>
          </td>
          <td>
            <bdi class={request.user_id === "unknown" ? "name muted" : "name"}>{visible(request.user_id)}</bdi>
          </td>
          <td>
            <bdi class="name">{visible(request.team_id ?? "")}</bdi>
          </td>
          <td class="num nowrap">{duration(request.total_time)}</td>
          <td class="num nowrap">{duration(request.time_to_first_token)}</td>
          <td class="num">{number(request.prompt_tokens)}</td>
          <td class="num">{number(request.completion_tokens)}</td>
          <td class="num">{money(request.cost)}</td>
        </tr>
      ))}
    </tbody>
  );
}

export function RequestsPage() {
  const query = { ...windowParams.value, ...pickFilters(REQUEST_FILTERS), limit: PAGE };
  const path = pathOf("/api/v1/requests", query);
  const first = useAnswer(path, (signal) => follow<Request[]>(path, signal));
  const live = location.value.query.get("live") !== "off" && isOngoing();
  // Up to now, whenever that is: without an end.
  const { newer, paused } = useLive({ ...query, end_date: null }, live, first);
  const [further, setFurther] = useState<{ of: Request[]; rows: Request[]; next: string | null } | null>(null);
  // By its id: newer rows move all others.
  const [current, setCurrent] = useState<string | null>(null);
  // Keys can come faster than renderings.
  const at = useRef<string | null>(null);
  const mine = further && further.of === first.data ? further : null;
  const next = mine ? mine.next : first.next;
  const known = [...(first.data ?? []), ...(mine?.rows ?? [])];
  const requests = merge(newer, known, next ? "open" : "reached");
  const chosen = () => requests.findIndex((request) => request.request_id === at.current);
  const go = (by: 1 | -1) => {
    const wanted = requests[Math.max(0, Math.min(requests.length - 1, chosen() + by))];
    if (!wanted) return;
    at.current = wanted.request_id;
    setCurrent(wanted.request_id);
    const row = document.querySelector(`[data-request="${CSS.escape(wanted.request_id)}"]`);
    row?.querySelector("a")?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  };
  const open = () => {
    const row = requests[chosen()];
    if (row) navigate(requestLink(row.request_id));
  };
  useKeys([
    { key: "Enter", does: t.keys.enter, run: open },
    { key: "k", does: t.keys.up, run: () => go(-1) },
    { key: "j", does: t.keys.down, run: () => go(1) },
  ]);
  return (
    <Layout
      title={t.pages.requests}
      aside={
        <>
          {isOngoing() && (
            <label class="pick">
              <input
                type="checkbox"
                checked={live}
                onChange={() => setQuery({ live: live ? "off" : null }, "replace")}
              />{" "}
              {t.requests.live}
            </label>
          )}
          {live && paused && (
            <span class="badge" role="status">
              {t.requests.paused}{" "}
              <button type="button" class="link" onClick={() => window.scrollTo(0, 0)}>
                {t.requests.toTop}
              </button>
            </span>
          )}
          <AsOf times={[first.asOf]} />
        </>
      }
    >
      <Filters names={REQUEST_FILTERS} />
      <section class="card flush">
        <Shown asked={first} rows={12} isEmpty={() => requests.length === 0}>
          {() => (
            <Scroll label={t.pages.requests}>
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">{t.columns.time}</th>
                    <th scope="col">
                      <span class="visually-hidden">{t.columns.status}</span>
                    </th>
                    <th scope="col">{t.columns.model}</th>
                    <th scope="col">{t.columns.session}</th>
                    <th scope="col">{t.columns.user}</th>
                    <th scope="col">{t.columns.team}</th>
                    <th scope="col" class="num">
                      {t.columns.seconds}
                    </th>
                    <th scope="col" class="num">
                      {t.columns.ttft}
                    </th>
                    <th scope="col" class="num">
                      {t.columns.promptTokens}
                    </th>
                    <th scope="col" class="num">
                      {t.columns.completionTokens}
                    </th>
                    <th scope="col" class="num">
                      {t.columns.cost}
                    </th>
                  </tr>
                </thead>
                <Rows requests={requests} current={current} />
              </table>
            </Scroll>
          )}
        </Shown>
        {first.data && requests.length > 0 && (
          <More
            next={next}
            load={async (to) => {
              const page = await follow<Request[]>(to);
              const of = first.data;
              if (of) setFurther({ of, rows: [...(mine?.rows ?? []), ...page.data], next: page.next });
            }}
          />
        )}
      </section>
    </Layout>
  );
}
