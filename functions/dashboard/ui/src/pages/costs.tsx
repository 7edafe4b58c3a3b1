import { useState } from "preact/hooks";
import { analyticsQuery, DIMENSIONS, type Dimension, narrowed, useBreakdown } from "../api/ask";
import { download, pathOf, type Schemas } from "../api/client";
import { type ApiProblem, asProblem } from "../api/problem";
import { money, number, share, short } from "../format";
import { sumOf } from "../money";
import { AsOf } from "../parts/asof";
import { Chart, type Series } from "../parts/chart";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { Scroll } from "../parts/scroll";
import { ProblemBox, Shown } from "../parts/states";
import { location, setQuery } from "../router";
import { visible } from "../safe";
import { ANALYTICS_FILTERS, windowParams } from "../state";
import { t } from "../text";
import { granularityOf, zoomed } from "../time";

type Row = Schemas["CostShare"];

function dimensionOf(name: string, otherwise: Dimension | null): Dimension | null {
  const asked = location.value.query.get(name);
  return DIMENSIONS.find((dimension) => dimension === asked) ?? otherwise;
}

/** Rows of two dimensions under those of the first one, each with its own sum. */
export function pivot(
  rows: readonly Row[],
): { id: string; label: string; total: number; requests: number; tokens: number; percent: number; rows: Row[] }[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.category, [...(groups.get(row.category) ?? []), row]);
  return [...groups]
    .map(([id, of]) => ({
      id,
      label: id === "other" ? t.overview.other : (of[0]?.label ?? id),
      total: sumOf(of.map((row) => row.total_cost)),
      requests: of.reduce((sum, row) => sum + row.total_requests, 0),
      tokens: of.reduce((sum, row) => sum + row.total_tokens, 0),
      percent: of.reduce((sum, row) => sum + row.cost_percentage, 0),
      rows: of,
    }))
    .sort((a, b) => Number(a.id === "other") - Number(b.id === "other") || b.total - a.total);
}

function Over({ dimension }: { dimension: Dimension }) {
  const params = windowParams.value;
  const step = granularityOf(params);
  const asked = useBreakdown([dimension], 7, "over-time");
  return (
    <section class="card">
      <h2>{t.costs.over[step]}</h2>
      <Shown asked={asked} rows={7} isEmpty={(rows) => rows.length === 0}>
        {(rows) => {
          const points = rows[0]?.series ?? [];
          const series: Series[] = rows.map((row, index) => ({
            name: row.category === "other" ? t.overview.other : visible(row.label ?? row.category),
            values: (row.series ?? []).map((point) => point.total_cost),
            color: row.category === "other" ? "--series-other" : `--series-${(index % 8) + 1}`,
            kind: "stack",
          }));
          return (
            <Chart
              label={t.costs.over[step]}
              steps={points.map((point) => point.time_period)}
              series={series}
              format={money}
              height={240}
              onZoom={(first, last) => {
                const window = zoomed(
                  points.map((point) => point.period_start),
                  first,
                  last,
                  params,
                );
                if ("from" in window) setQuery({ range: null, from: window.from, to: window.to });
              }}
            />
          );
        }}
      </Shown>
    </section>
  );
}

function Cells({ row }: { row: Pick<Row, "total_cost" | "cost_percentage" | "total_requests" | "total_tokens"> }) {
  return (
    <>
      <td class="num">{money(row.total_cost)}</td>
      <td class="num muted">{share(row.cost_percentage)}</td>
      <td class="num">{number(row.total_requests)}</td>
      <td class="num">{short(row.total_tokens)}</td>
      <td class="num">{money(row.total_requests > 0 ? row.total_cost / row.total_requests : null)}</td>
    </>
  );
}

function Pivot({ rows, first, second }: { rows: Row[]; first: Dimension; second: Dimension | null }) {
  const groups = pivot(rows);
  const total = {
    total_cost: sumOf(rows.map((row) => row.total_cost)),
    cost_percentage: rows.reduce((sum, row) => sum + row.cost_percentage, 0),
    total_requests: rows.reduce((sum, row) => sum + row.total_requests, 0),
    total_tokens: rows.reduce((sum, row) => sum + row.total_tokens, 0),
  };
  const overlaps = [first, second].some((dimension) => dimension === "tag" || dimension === "tool");
  const named = (dimension: Dimension, id: string, label: string) => {
    const to = narrowed("/costs", dimension, id);
    return to ? (
      <a href={to} class="name" title={t.costs.filterTo(label)}>
        <bdi>{visible(label)}</bdi>
      </a>
    ) : (
      <bdi class="name">{visible(label)}</bdi>
    );
  };
  return (
    <Scroll label={t.pages.costs}>
      <table class="list pivot">
        <thead>
          <tr>
            <th scope="col">{t.costs.dimensions[first]}</th>
            {second && <th scope="col">{t.costs.dimensions[second]}</th>}
            <th scope="col" class="num">
              {t.columns.cost}
            </th>
            <th scope="col" class="num">
              {t.columns.share}
            </th>
            <th scope="col" class="num">
              {t.columns.requests}
            </th>
            <th scope="col" class="num">
              {t.columns.tokens}
            </th>
            <th scope="col" class="num">
              {t.columns.average}
            </th>
          </tr>
        </thead>
        {groups.map((group) => (
          <tbody key={group.id}>
            <tr class={second ? "group" : undefined}>
              <th scope="row">{named(first, group.id, group.label)}</th>
              {second && <td />}
              <Cells
                row={{
                  total_cost: group.total,
                  cost_percentage: group.percent,
                  total_requests: group.requests,
                  total_tokens: group.tokens,
                }}
              />
            </tr>
            {second &&
              group.rows.map((row) => (
                <tr key={`${row.category}-${row.subcategory}`}>
                  <td />
                  <th scope="row">
                    {named(
                      second,
                      row.subcategory ?? "",
                      row.subcategory === "other" ? t.overview.other : (row.sublabel ?? row.subcategory ?? ""),
                    )}
                  </th>
                  <Cells row={row} />
                </tr>
              ))}
          </tbody>
        ))}
        {!overlaps && (
          <tfoot>
            <tr>
              <th scope="row">{t.costs.total}</th>
              {second && <td />}
              <Cells row={total} />
            </tr>
          </tfoot>
        )}
      </table>
      {overlaps && <p class="muted note">{t.costs.overlap}</p>}
    </Scroll>
  );
}

function Exports() {
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const query = analyticsQuery();
  const save = (format: string, extension: string) => {
    setProblem(null);
    const name = `costs-${query.start_date.slice(0, 10)}-${query.end_date.slice(0, 10)}.${extension}`;
    download(pathOf("/api/v1/reports/cost", { ...query, format, top: 100 }), name).catch((error: unknown) =>
      setProblem(asProblem(error)),
    );
  };
  const formats = [
    ["csv", "csv"],
    ["focus", "focus.csv"],
    ["html", "html"],
    ["markdown", "md"],
  ] as const;
  return (
    <section class="card">
      <h2>{t.costs.export}</h2>
      <p class="row">
        {formats.map(([format, extension]) => (
          <button key={format} type="button" class="button" onClick={() => save(format, extension)}>
            {t.costs.formats[format]}
          </button>
        ))}
      </p>
      {problem && <ProblemBox problem={problem} retryIn={null} />}
    </section>
  );
}

export function CostsPage() {
  const first = dimensionOf("by", "team") ?? "team";
  const then = dimensionOf("split", null);
  const second = then === first ? null : then;
  const asked = useBreakdown(second ? [first, second] : [first], 100, "totals");
  return (
    <Layout title={t.pages.costs} aside={<AsOf times={[asked.asOf]} />}>
      <Filters names={ANALYTICS_FILTERS} />
      <div class="table-tools">
        <label class="pick">
          {t.costs.by}{" "}
          <select value={first} onChange={(event) => setQuery({ by: event.currentTarget.value })}>
            {DIMENSIONS.map((dimension) => (
              <option key={dimension} value={dimension}>
                {t.costs.dimensions[dimension]}
              </option>
            ))}
          </select>
        </label>
        <label class="pick">
          {t.costs.split}{" "}
          <select value={second ?? ""} onChange={(event) => setQuery({ split: event.currentTarget.value })}>
            <option value="">{t.costs.nothingElse}</option>
            {DIMENSIONS.filter((dimension) => dimension !== first).map((dimension) => (
              <option key={dimension} value={dimension}>
                {t.costs.dimensions[dimension]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Over dimension={first} />
      <section class="card flush">
        <Shown asked={asked} rows={8} isEmpty={(rows) => rows.length === 0}>
          {(rows) => <Pivot rows={rows} first={first} second={second} />}
        </Shown>
      </section>
      <Exports />
    </Layout>
  );
}
