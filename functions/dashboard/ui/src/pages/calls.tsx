import { analyticsQuery } from "../api/ask";
import { answer, client, pathOf, type Schemas } from "../api/client";
import { useAnswer } from "../api/query";
import { duration, money, number, share } from "../format";
import { AsOf } from "../parts/asof";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { Scroll } from "../parts/scroll";
import { Shown } from "../parts/states";
import { visible } from "../safe";
import { ANALYTICS_FILTERS, link } from "../state";
import { t } from "../text";

type Latency = Schemas["Latency"];

function LatencyTable({ rows }: { rows: Latency[] }) {
  const most = Math.max(...rows.map((row) => row.p99_response_time ?? 0), 0.001);
  const at = (value: number | null | undefined) => (100 * (value ?? 0)) / most;
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{t.columns.model}</th>
          <th scope="col" class="num">
            {t.columns.requests}
          </th>
          <td class="spread-head" />
          <th scope="col" class="num">
            {t.calls.p50}
          </th>
          <th scope="col" class="num">
            {t.calls.p95}
          </th>
          <th scope="col" class="num">
            {t.calls.p99}
          </th>
          <th scope="col" class="num">
            {t.calls.ttft}
          </th>
          <th scope="col" class="num">
            {t.calls.speed}
          </th>
          <th scope="col" class="num">
            {t.calls.errorRate}
          </th>
          <th scope="col" class="num">
            {t.calls.cachedShare}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.category}>
            <th scope="row">
              <a class="name" href={link("/requests", { model: row.category }, ANALYTICS_FILTERS)}>
                <bdi>{visible(row.label ?? row.category)}</bdi>
              </a>
            </th>
            <td class="num">{number(row.total_requests)}</td>
            <td aria-hidden="true">
              <span class="spread-bar">
                <i
                  style={{
                    left: `${at(row.p50_response_time)}%`,
                    width: `${Math.max(0.5, at(row.p95_response_time) - at(row.p50_response_time))}%`,
                  }}
                />
                <b style={{ left: `${Math.min(99, at(row.p99_response_time))}%` }} />
              </span>
            </td>
            <td class="num nowrap">{duration(row.p50_response_time)}</td>
            <td class="num nowrap">{duration(row.p95_response_time)}</td>
            <td class="num nowrap">{duration(row.p99_response_time)}</td>
            <td class="num nowrap">{duration(row.p50_time_to_first_token)}</td>
            <td class="num">
              {row.output_tokens_per_second == null ? "–" : number(Math.round(10 * row.output_tokens_per_second) / 10)}
            </td>
            <td class="num">{share(row.error_rate)}</td>
            <td class="num">{share(row.cached_token_share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ErrorTable({ rows }: { rows: Schemas["ErrorShare"][] }) {
  const models = [...new Set(rows.map((row) => row.model))].slice(0, 8);
  const classes = [...new Set(rows.map((row) => row.error_class))];
  const most = Math.max(...rows.map((row) => row.failed_requests), 1);
  const found = (error: string, model: string) =>
    rows.find((row) => row.error_class === error && row.model === model)?.failed_requests ?? 0;
  return (
    <table class="list matrix">
      <thead>
        <tr>
          <th scope="col">{t.calls.error}</th>
          {models.map((model) => (
            <th key={model} scope="col" class="num">
              <bdi>{visible(model)}</bdi>
            </th>
          ))}
          <th scope="col" class="num">
            {t.costs.total}
          </th>
        </tr>
      </thead>
      <tbody>
        {classes.map((error) => (
          <tr key={error}>
            <th scope="row">
              <bdi>{visible(error)}</bdi>
            </th>
            {models.map((model) => {
              const count = found(error, model);
              return (
                <td key={model} class="num">
                  {count > 0 && (
                    <a
                      class="cell"
                      data-heat={Math.ceil((4 * count) / most)}
                      href={link("/requests", { model, status: "failure", error_class: error }, ANALYTICS_FILTERS)}
                    >
                      {number(count)}
                    </a>
                  )}
                </td>
              );
            })}
            <td class="num">
              {number(
                rows.filter((row) => row.error_class === error).reduce((sum, row) => sum + row.failed_requests, 0),
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ToolTable({ rows }: { rows: Schemas["ToolUsage"][] }) {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{t.calls.tool}</th>
          <th scope="col" class="num">
            {t.columns.requests}
          </th>
          <th scope="col" class="num">
            {t.overview.tiles.sessions}
          </th>
          <th scope="col" class="num">
            {t.columns.seconds}
          </th>
          <th scope="col" class="num">
            {t.columns.cost}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, 20).map((row) => (
          <tr key={row.tool_name}>
            <th scope="row">
              <a class="name mono" href={link("/requests", { tool: row.tool_name }, ANALYTICS_FILTERS)}>
                <bdi>{visible(row.tool_name)}</bdi>
              </a>
            </th>
            <td class="num">{number(row.total_requests)}</td>
            <td class="num">{number(row.unique_sessions)}</td>
            <td class="num nowrap">{duration(row.avg_response_time)}</td>
            <td class="num">{money(row.total_cost)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function CacheTable({ rows }: { rows: Schemas["ModelUsage"][] }) {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{t.columns.model}</th>
          <th scope="col">{t.columns.provider}</th>
          <th scope="col" class="num">
            {t.columns.requests}
          </th>
          <th scope="col" class="num">
            {t.calls.hits}
          </th>
          <th scope="col" class="num">
            {t.calls.hitRate}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, 20).map((row) => (
          <tr key={`${row.model} ${row.provider}`}>
            <th scope="row">
              <bdi class="name">{visible(row.model)}</bdi>
            </th>
            <td>
              <bdi class="name">{visible(row.provider)}</bdi>
            </td>
            <td class="num">{number(row.total_requests)}</td>
            <td class="num">{number(row.cache_hits)}</td>
            <td class="num">{share(row.cache_hit_rate)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function CallsPage() {
  const query = analyticsQuery();
  const latency = useAnswer(pathOf("latency", query), (signal) =>
    answer(
      client.GET("/api/v1/analytics/latency", {
        params: { query: { ...query, group_by: "model", details: true, top: 20 } },
        signal,
      }),
    ),
  );
  const errors = useAnswer(pathOf("errors", query), (signal) =>
    answer(client.GET("/api/v1/analytics/errors", { params: { query: { ...query, top: 200 } }, signal })),
  );
  const tools = useAnswer(pathOf("tools", query), (signal) =>
    answer(client.GET("/api/v1/analytics/tools", { params: { query: { ...query, top: 20 } }, signal })),
  );
  const models = useAnswer(pathOf("models", query), (signal) =>
    answer(client.GET("/api/v1/analytics/models", { params: { query: { ...query, top: 20 } }, signal })),
  );
  return (
    <Layout title={t.pages.calls} aside={<AsOf times={[latency.asOf, errors.asOf, tools.asOf, models.asOf]} />}>
      <Filters names={ANALYTICS_FILTERS} />
      <section class="card">
        <h2>{t.calls.latency}</h2>
        <p class="muted small">{t.calls.latencyHint}</p>
        <Scroll label={t.calls.latency}>
          <Shown asked={latency} rows={6} isEmpty={(rows) => rows.length === 0}>
            {(rows) => <LatencyTable rows={rows} />}
          </Shown>
        </Scroll>
      </section>
      <section class="card">
        <h2>{t.calls.errors}</h2>
        <Scroll label={t.calls.errors}>
          <Shown asked={errors} rows={6} isEmpty={(rows) => rows.length === 0} empty={t.calls.noErrors}>
            {(rows) => <ErrorTable rows={rows} />}
          </Shown>
        </Scroll>
      </section>
      <div class="grid two">
        <section class="card">
          <h2>{t.calls.tools}</h2>
          <Scroll label={t.calls.tools}>
            <Shown asked={tools} rows={6} isEmpty={(rows) => rows.length === 0} empty={t.calls.noTools}>
              {(rows) => <ToolTable rows={rows} />}
            </Shown>
          </Scroll>
        </section>
        <section class="card">
          <h2>{t.calls.cache}</h2>
          <Scroll label={t.calls.cache}>
            <Shown asked={models} rows={6} isEmpty={(rows) => rows.length === 0}>
              {(rows) => <CacheTable rows={rows} />}
            </Shown>
          </Scroll>
        </section>
      </div>
    </Layout>
  );
}
