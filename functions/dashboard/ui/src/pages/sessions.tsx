import { useRef, useState } from "preact/hooks";
import { analyticsQuery } from "../api/ask";
import { answer, client, follow, pathOf, type Schemas } from "../api/client";
import { type Asked, useAnswer } from "../api/query";
import { duration, money, number, short, time } from "../format";
import { useKeys } from "../keys";
import { AsOf } from "../parts/asof";
import { Histogram } from "../parts/bars";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { More } from "../parts/more";
import { Scroll } from "../parts/scroll";
import { Shown } from "../parts/states";
import { location, navigate, setQuery } from "../router";
import { visible } from "../safe";
import { FACET_FILTERS, link, pickFilters, SESSION_FILTERS, sessionLink, view, windowParams, zone } from "../state";
import { t } from "../text";

type Session = Schemas["SessionSummary"];

const SORTS = ["start", "last_activity", "cost", "tokens", "duration", "requests"] as const;
type Sort = (typeof SORTS)[number];
const PAGE = 50;

function useSort(): { sort: Sort; order: "asc" | "desc" } {
  const asked = location.value.query.get("sort");
  const sort = SORTS.find((name) => name === asked) ?? "start";
  return { sort, order: location.value.query.get("order") === "asc" ? "asc" : "desc" };
}

function useSessions(): Asked<Session[]> {
  const query = { ...windowParams.value, ...pickFilters(SESSION_FILTERS), ...useSort(), limit: PAGE };
  const path = pathOf("/api/v1/sessions", query);
  return useAnswer(path, (signal) => follow<Session[]>(path, signal));
}

function Histograms() {
  const query = analyticsQuery(FACET_FILTERS);
  const left = SESSION_FILTERS.filter((name) => view.value.filters[name] && !(name in query));
  const asked = useAnswer(pathOf("histograms", query), (signal) =>
    answer(client.GET("/api/v1/analytics/sessions", { params: { query }, signal })),
  );
  const words = t.sessions.histograms;
  return (
    <section class="histograms card">
      <Shown asked={asked} rows={3} isEmpty={(found) => found.sessions === 0}>
        {(found) => (
          <div class="grid three">
            <Histogram
              title={words.cost}
              summary={t.sessions.summary(money(found.cost.p50), money(found.cost.p95))}
              buckets={found.cost.buckets.map((bucket) => ({ ...bucket, to: bucket.to ?? null }))}
              format={money}
              onPick={(bucket) =>
                setQuery({ min_cost: String(bucket.from), max_cost: bucket.to === null ? null : String(bucket.to) })
              }
            />
            <Histogram
              title={words.duration_seconds}
              summary={t.sessions.summary(duration(found.duration_seconds.p50), duration(found.duration_seconds.p95))}
              buckets={found.duration_seconds.buckets.map((bucket) => ({ ...bucket, to: bucket.to ?? null }))}
              format={duration}
              onPick={(bucket) => setQuery({ min_duration: String(bucket.from) })}
            />
            <Histogram
              title={words.requests}
              summary={t.sessions.summary(number(found.requests.p50), number(found.requests.p95))}
              buckets={found.requests.buckets.map((bucket) => ({ ...bucket, to: bucket.to ?? null }))}
              format={number}
              onPick={(bucket) => setQuery({ min_requests: String(bucket.from) })}
            />
          </div>
        )}
      </Shown>
      {left.length > 0 && (
        <p class="muted small">{t.sessions.unfiltered(left.map((name) => t.filters[name]).join(", "))}</p>
      )}
    </section>
  );
}

const SORTED_COLUMNS: [sort: Sort, name: string][] = [
  ["start", t.columns.start],
  ["duration", t.columns.duration],
  ["requests", t.columns.turns],
  ["tokens", t.columns.tokens],
  ["cost", t.columns.cost],
];

function Heads() {
  const { sort, order } = useSort();
  return (
    <tr>
      <th scope="col">
        <span class="visually-hidden">{t.columns.pick}</span>
      </th>
      <th scope="col">{t.columns.session}</th>
      <th scope="col">{t.columns.agent}</th>
      <th scope="col">{t.columns.user}</th>
      <th scope="col">{t.columns.model}</th>
      {SORTED_COLUMNS.map(([name, title]) => (
        <th
          key={name}
          scope="col"
          class={name === "start" ? undefined : "num"}
          aria-sort={sort === name ? (order === "asc" ? "ascending" : "descending") : undefined}
        >
          <button
            type="button"
            onClick={() => setQuery({ sort: name, order: sort === name && order === "desc" ? "asc" : null })}
          >
            {title}
            <span aria-hidden="true">{sort === name ? (order === "asc" ? " ↑" : " ↓") : ""}</span>
          </button>
        </th>
      ))}
      <th scope="col" class="num">
        {t.columns.failures}
      </th>
    </tr>
  );
}

interface RowsProps {
  sessions: Session[];
  picked: string[];
  current: number;
  onPick: (id: string) => void;
}

function Rows({ sessions, picked, current, onPick }: RowsProps) {
  return (
    <tbody>
      {sessions.map((session, index) => (
        <tr key={session.session_id} class={index === current ? "current" : undefined} data-row={index}>
          <td>
            <input
              type="checkbox"
              tabIndex={-1}
              checked={picked.includes(session.session_id)}
              aria-label={t.sessions.pickOne(session.session_id)}
              onChange={() => onPick(session.session_id)}
            />
          </td>
          <th scope="row">
            <a href={sessionLink(session.session_id)} class="name mono">
              <bdi>{visible(session.session_id)}</bdi>
            </a>
          </th>
          <td>
            <bdi class={session.agent_name === "unknown" ? "name muted" : "name"}>{visible(session.agent_name)}</bdi>
          </td>
          <td>
            <bdi class={session.user_id === "unknown" ? "name muted" : "name"}>{visible(session.user_id)}</bdi>
          </td>
          <td>
            <bdi class="name">
              {visible(
                session.model_groups_used.length > 0
                  ? session.model_groups_used.join(", ")
                  : session.models_used.join(", "),
              )}
            </bdi>
          </td>
          <td class="nowrap">{time(session.session_start, zone.value)}</td>
          <td class="num nowrap">{duration(session.total_duration_seconds)}</td>
          <td class="num">{number(session.total_messages)}</td>
          <td class="num">{short(session.total_tokens)}</td>
          <td class="num">{money(session.total_cost)}</td>
          <td class="num">
            {session.failed_requests > 0 ? (
              <span class="bad">{number(session.failed_requests)}</span>
            ) : (
              <span class="muted">0</span>
            )}
          </td>
        </tr>
      ))}
    </tbody>
  );
}

const pickedOf = (query: URLSearchParams): string[] => (query.get("pick") ?? "").split("\n").filter((id) => id !== "");

export function SessionsPage() {
  const first = useSessions();
  const table = useRef<HTMLTableElement>(null);
  const [further, setFurther] = useState<{ of: Session[]; sessions: Session[]; next: string | null } | null>(null);
  const [current, setCurrent] = useState(-1);
  // Keys can come faster than renderings.
  const at = useRef(-1);
  const picked = pickedOf(location.value.query);
  const mine = further && further.of === first.data ? further : null;
  const sessions = [...(first.data ?? []), ...(mine?.sessions ?? [])];
  const next = mine ? mine.next : first.next;

  const pick = (id: string) => {
    const picked = pickedOf(location.value.query);
    const rest = picked.filter((one) => one !== id);
    const now = rest.length < picked.length ? rest : [...rest, id].slice(-2);
    setQuery({ pick: now.length > 0 ? now.join("\n") : null }, "replace");
  };
  const go = (index: number) => {
    const valid = Math.max(0, Math.min(sessions.length - 1, index));
    at.current = valid;
    setCurrent(valid);
    const row = table.current?.querySelector(`[data-row="${valid}"]`);
    row?.querySelector("a")?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  };
  const withChosen = (act: (row: Session) => void) => {
    const row = sessions[at.current];
    if (row) act(row);
  };
  useKeys([
    { key: "x", does: t.keys.pick, run: () => withChosen((row) => pick(row.session_id)) },
    { key: "Enter", does: t.keys.enter, run: () => withChosen((row) => navigate(sessionLink(row.session_id))) },
    { key: "k", does: t.keys.up, run: () => go(at.current - 1) },
    { key: "j", does: t.keys.down, run: () => go(at.current + 1) },
  ]);
  const { sort, order } = useSort();

  return (
    <Layout title={t.pages.sessions} aside={<AsOf times={[first.asOf]} />}>
      <Filters names={SESSION_FILTERS} />
      <Histograms />
      <div class="table-tools">
        <label class="pick">
          {t.sessions.sort}{" "}
          <select value={sort} onChange={(event) => setQuery({ sort: event.currentTarget.value })}>
            {SORTS.map((name) => (
              <option key={name} value={name}>
                {t.sessions.sorts[name]}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="button quiet" onClick={() => setQuery({ order: order === "asc" ? null : "asc" })}>
          {order === "asc" ? t.sessions.ascending : t.sessions.descending}
        </button>
        {picked.length > 0 && (
          <span class="row" role="status">
            <span class="muted">{t.sessions.picked(picked.length)}</span>
            {picked.length === 2 && (
              <a class="button primary" href={link("/diff", { a: picked[0] ?? null, b: picked[1] ?? null })}>
                {t.sessions.compare}
              </a>
            )}
          </span>
        )}
      </div>
      <section class="card flush">
        <Shown asked={first} rows={12} isEmpty={(rows) => rows.length === 0}>
          {() => (
            <Scroll label={t.pages.sessions}>
              <table ref={table} class="list">
                <thead>
                  <Heads />
                </thead>
                <Rows sessions={sessions} picked={picked} current={current} onPick={pick} />
              </table>
            </Scroll>
          )}
        </Shown>
        {first.data && first.data.length > 0 && (
          <More
            next={next}
            load={async (path) => {
              const page = await follow<Session[]>(path);
              const of = first.data;
              if (of) setFurther({ of, sessions: [...(mine?.sessions ?? []), ...page.data], next: page.next });
            }}
          />
        )}
      </section>
    </Layout>
  );
}
