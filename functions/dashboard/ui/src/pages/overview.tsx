import { type Dimension, narrowed, useBreakdown, useOverview, useReport, useTrend } from "../api/ask";
import type { Schemas } from "../api/client";
import type { Asked } from "../api/query";
import { change, duration, money, number, period, share, short } from "../format";
import { sumOf } from "../money";
import { AsOf } from "../parts/asof";
import { type Bar, TopList } from "../parts/bars";
import { Chart } from "../parts/chart";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { Shown } from "../parts/states";
import { setQuery } from "../router";
import { visible } from "../safe";
import { ANALYTICS_FILTERS, link, sessionLink, windowParams } from "../state";
import { t } from "../text";
import { granularityOf, zoomed } from "../time";

type Overview = Schemas["Overview"];
type Figures = Record<string, number | null | undefined>;

interface TileProps {
  name: string;
  asked: Asked<Overview>;
  /** The figure in the answer. */
  figure: keyof Overview & string;
  format: (value: number | null | undefined) => string;
  /** Whether more of it is bad, good or neither. */
  more: "bad" | "neutral";
  extra?: (data: Overview) => string;
}

function Tile({ name, asked, figure, format, more, extra }: TileProps) {
  const data = asked.data;
  const before = (data?.previous as Figures | null | undefined)?.[figure];
  const percent = (data?.change as Record<string, { percent: number | null } | null> | null | undefined)?.[figure]
    ?.percent;
  const tone = percent == null || Math.abs(percent) < 0.5 || more === "neutral" ? "" : percent > 0 ? "up" : "down";
  return (
    <div class="tile" aria-busy={asked.state === "loading" || asked.state === "slow"}>
      <h2>{name}</h2>
      {asked.problem ? (
        <p class="tile-problem" role="alert">
          {asked.problem.title}
        </p>
      ) : (
        <>
          <p class="tile-value">{data ? format(data[figure] as number | null) : <span class="skeleton-text" />}</p>
          <p class="tile-before muted">
            {data ? (
              <>
                {percent != null && <b class={`delta ${tone}`}>{change(percent)}</b>}{" "}
                {before == null || (before === 0 && percent == null)
                  ? t.overview.noPrevious
                  : t.overview.previous(format(before))}
                {extra ? ` · ${extra(data)}` : ""}
              </>
            ) : (
              "\u00a0"
            )}
          </p>
        </>
      )}
    </div>
  );
}

function Tiles({ totals, details }: { totals: Asked<Overview>; details: Asked<Overview> }) {
  const names = t.overview.tiles;
  return (
    <section class="tiles">
      <Tile name={names.cost} asked={totals} figure="total_cost" format={money} more="bad" />
      <Tile name={names.requests} asked={totals} figure="total_requests" format={short} more="neutral" />
      <Tile name={names.sessions} asked={totals} figure="unique_sessions" format={short} more="neutral" />
      <Tile name={names.tokens} asked={totals} figure="total_tokens" format={short} more="neutral" />
      <Tile
        name={names.failures}
        asked={totals}
        figure="failed_requests"
        format={short}
        more="bad"
        extra={(data) => share(data.total_requests > 0 ? (100 * data.failed_requests) / data.total_requests : 0)}
      />
      <Tile name={names.p95} asked={details} figure="p95_response_time" format={duration} more="bad" />
    </section>
  );
}

function CostOverTime({ trend, total }: { trend: Asked<Schemas["UsageTrend"][]>; total: number | undefined }) {
  const params = windowParams.value;
  const step = granularityOf(params);
  return (
    <section class="card">
      <h2>{t.overview.chart[step]}</h2>
      <Shown asked={trend} rows={7} isEmpty={(rows) => rows.every((row) => row.total_requests === 0)}>
        {(rows) => {
          const sum = sumOf(rows.map((row) => row.total_cost));
          const agrees = total === undefined || Math.abs(sum - total) <= 1e-9 * Math.max(1, Math.abs(total));
          const before = rows.map((row) => (row.previous as Figures | null | undefined)?.total_cost ?? 0);
          return (
            <>
              <Chart
                label={t.overview.chart[step]}
                steps={rows.map((row) => row.time_period)}
                series={[
                  {
                    name: t.overview.thisPeriod,
                    values: rows.map((row) => row.total_cost),
                    color: "--series-1",
                    kind: "bar",
                  },
                  { name: t.overview.previousPeriod, values: before, color: "--series-line", kind: "line" },
                ]}
                format={money}
                onZoom={(first, last) => {
                  const window = zoomed(
                    rows.map((row) => row.period_start),
                    first,
                    last,
                    params,
                  );
                  if ("from" in window) setQuery({ range: null, from: window.from, to: window.to });
                }}
              />
              {total !== undefined && (
                <p class={agrees ? "sums" : "sums differ"} data-agrees={agrees}>
                  {t.overview.sums(rows.length, step, money(sum))}{" "}
                  <span title={agrees ? t.overview.sumsTrue : undefined}>
                    {agrees ? "✓" : t.overview.sumsFalse(money(Math.abs(sum - total)))}
                  </span>
                </p>
              )}
            </>
          );
        }}
      </Shown>
    </section>
  );
}

export function toBars(rows: Schemas["CostShare"][], dimension: Dimension, path: string): Bar[] {
  return rows.map((row) => ({
    id: row.category,
    label: row.category === "other" ? t.overview.other : visible(row.label ?? row.category),
    value: row.total_cost,
    text: money(row.total_cost),
    percent: row.cost_percentage,
    href: narrowed(path, dimension, row.category),
  }));
}

function Top({ dimension, title }: { dimension: Dimension; title: string }) {
  const asked = useBreakdown([dimension], 6, "totals");
  return (
    <section class="card">
      <h2>
        <a href={link("/costs", { by: dimension }, ANALYTICS_FILTERS)}>{title}</a>
      </h2>
      <Shown asked={asked} rows={6} isEmpty={(rows) => rows.length === 0}>
        {(rows) => <TopList label={title} rows={toBars(rows, dimension, "/")} />}
      </Shown>
    </section>
  );
}

function Sessions({ report }: { report: Schemas["CostReport"] }) {
  return (
    <ul class="rows">
      {report.sessions.map((session) => (
        <li key={session.session_id}>
          <a href={sessionLink(session.session_id)} class="name">
            <bdi>{visible(session.session_id)}</bdi>
          </a>
          <bdi class="muted">{visible(session.agent_name)}</bdi>
          <span class="num muted">{t.session.turns(session.requests)}</span>
          <span class="num">{money(session.spend)}</span>
        </li>
      ))}
    </ul>
  );
}

function Budgets({ report }: { report: Schemas["CostReport"] }) {
  const { forecast, budgets } = report;
  return (
    <>
      {forecast.expected != null ? (
        <p>
          {t.overview.forecast(period(forecast.month), money(forecast.expected))}{" "}
          {forecast.low != null && forecast.high != null && (
            <span class="muted">{t.overview.forecastRange(money(forecast.low), money(forecast.high))}</span>
          )}
        </p>
      ) : (
        <p class="muted">{t.overview.noForecast}</p>
      )}
      {budgets.length === 0 ? (
        <p class="muted">{t.overview.noBudgets}</p>
      ) : (
        <ul class="budgets">
          {budgets.map((budget) => (
            <li key={`${budget.of}-${budget.id ?? ""}`}>
              <span class="row spread">
                <bdi>{visible(budget.label ?? budget.id ?? t.costs.total)}</bdi>
                <span class="num">{t.overview.spent(money(budget.spent), money(budget.amount))}</span>
              </span>
              <meter
                min={0}
                max={100}
                high={100}
                optimum={0}
                value={Math.min(100, budget.used_percent)}
                aria-label={share(budget.used_percent)}
              />
              {budget.projected_overrun != null && (
                <p class="bad small">{t.overview.overrun(money(budget.projected_overrun))}</p>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Unusual({ report }: { report: Schemas["CostReport"] }) {
  const { found, method } = report.anomalies;
  if (found.length === 0)
    return (
      <p class="muted">
        {t.overview.noUnusual} <span class="small">{method}</span>
      </p>
    );
  return (
    <ul class="rows stacked">
      {found.slice(0, 6).map((one) => (
        <li key={one.text}>
          <a href={link("/", { range: null, from: one.day, to: null })}>{period(one.day)}</a>{" "}
          <bdi>{visible(one.text)}</bdi>
        </li>
      ))}
    </ul>
  );
}

function FirstSeen({ report }: { report: Schemas["CostReport"] }) {
  const seen = report.first_seen;
  const kinds = (["models", "agents", "users"] as const).flatMap((kind) =>
    (seen[kind] ?? []).slice(0, 5).map((one) => ({ kind, ...one })),
  );
  if (seen.since == null) return <p class="muted">{t.overview.firstSeenUnknown}</p>;
  if (kinds.length === 0) return <p class="muted">{t.overview.noFirstSeen}</p>;
  const dimensions = { models: "model", agents: "agent", users: "user" } as const;
  return (
    <ul class="rows">
      {kinds.map((one) => (
        <li key={`${one.kind}-${one.id}`}>
          <span class="badge">{t.overview.kinds[one.kind]}</span>
          <a class="name" href={narrowed("/", dimensions[one.kind], one.id) ?? "#"}>
            <bdi>{visible(one.id)}</bdi>
          </a>
          <span class="num muted">{number(one.requests)}</span>
          <span class="num">{money(one.spend)}</span>
        </li>
      ))}
    </ul>
  );
}

export function OverviewPage() {
  const totals = useOverview("totals");
  const details = useOverview("with-percentiles");
  const trend = useTrend();
  const report = useReport(6);
  const cards = [
    { title: t.overview.sessions, show: Sessions },
    { title: t.overview.budgets, show: Budgets },
    { title: t.overview.unusual, show: Unusual },
    { title: t.overview.firstSeen, show: FirstSeen },
  ];
  return (
    <Layout title={t.pages.overview} aside={<AsOf times={[totals.asOf, details.asOf, trend.asOf]} />}>
      <Filters names={ANALYTICS_FILTERS} />
      <Tiles totals={totals} details={details} />
      <CostOverTime trend={trend} total={totals.data?.total_cost} />
      <div class="grid four">
        <Top dimension="agent" title={t.overview.top.agents} />
        <Top dimension="model" title={t.overview.top.models} />
        <Top dimension="team" title={t.overview.top.teams} />
        <Top dimension="user" title={t.overview.top.users} />
      </div>
      <div class="grid four">
        {cards.map(({ title, show: Show }) => (
          <section class="card" key={title}>
            <h2>{title}</h2>
            <Shown asked={report} rows={4}>
              {(found) => <Show report={found} />}
            </Shown>
          </section>
        ))}
      </div>
    </Layout>
  );
}
