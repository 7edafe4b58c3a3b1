// Figures over time, drawn by uPlot. Steps are the server's: the page draws them in order and never cuts time itself.

import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { period, shortPeriod } from "../format";
import { t } from "../text";
import { theme } from "./layout";

export interface Series {
  name: string;
  values: number[];
  /** A custom property of the style sheet: `--series-1`. */
  color: string;
  kind: "bar" | "stack" | "line";
}

interface ChartProps {
  label: string;
  /** The steps' names as the API gives them. */
  steps: string[];
  series: Series[];
  format: (value: number) => string;
  onZoom?: (first: number, last: number) => void;
  height?: number;
}

/** A color of the style sheet as a canvas takes it: the one of the scheme that is on. */
function colorsIn(target: HTMLElement): (name: string) => string {
  const probe = target.appendChild(document.createElement("i"));
  const colors = new Map<string, string>();
  queueMicrotask(() => probe.remove());
  return (name) => {
    const known = colors.get(name);
    if (known !== undefined) return known;
    probe.style.color = `var(${name})`;
    const color = getComputedStyle(probe).color;
    colors.set(name, color);
    return color;
  };
}

/** What is drawn: stacked series on top of each other. */
function stacked(series: Series[]): number[][] {
  const sums: number[] = [];
  return series.map((one) => {
    if (one.kind !== "stack") return one.values;
    return one.values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + value;
      return sums[index] ?? 0;
    });
  });
}

async function draw(target: HTMLElement, props: ChartProps, width: number): Promise<uPlot> {
  const { default: UPlot } = await import("uplot");
  const { steps, series, format, onZoom, height = 220 } = props;
  // Drawn from the highest to the lowest: each stack covers all of the one above but its own part.
  const order = series.map((_, index) => index).sort((a, b) => rank(series, a) - rank(series, b));
  const heights = stacked(series);
  const bars = UPlot.paths.bars?.({ size: [0.72, 48], radius: 0.12 });
  const colorOf = colorsIn(target);
  const grid = { stroke: colorOf("--line-soft"), width: 1 };
  const axis = { stroke: colorOf("--muted"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const options: uPlot.Options = {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: onZoom !== undefined, y: false, setScale: false }, points: { show: false }, y: false },
    scales: {
      x: { time: false, range: [-0.5, steps.length - 0.5] },
      y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 30,
        incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 48, 72, 168],
        values: (_, splits) => splits.map((at) => (Number.isInteger(at) && steps[at] ? shortPeriod(steps[at]) : "")),
      },
      { ...axis, size: 62, values: (_, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...order.map((index): uPlot.Series => {
        const one = series[index];
        const color = colorOf(one?.color ?? "--series-1");
        return one?.kind === "line"
          ? { stroke: color, width: 1.5, dash: [4, 4], points: { show: false } }
          : { stroke: color, fill: color, width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) };
      }),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (!onZoom || plot.select.width < 4) return;
          const first = Math.max(0, Math.round(plot.posToVal(plot.select.left, "x")));
          const last = Math.min(steps.length - 1, Math.round(plot.posToVal(plot.select.left + plot.select.width, "x")));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom(first, last);
        },
      ],
      setCursor: [(plot) => target.dispatchEvent(new CustomEvent("point", { detail: plot.cursor.idx ?? null }))],
    },
  };
  const data: uPlot.AlignedData = [steps.map((_, index) => index), ...order.map((index) => heights[index] ?? [])];
  return new UPlot(options, data, target);
}

const rank = (series: Series[], index: number): number => (series[index]?.kind === "line" ? 1_000 : -index);

export function Chart(props: ChartProps) {
  const target = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const { steps, series, format, label } = props;
  // What is drawn changes with the figures, not with each rendering.
  const content = JSON.stringify([steps, series]);
  const shade = theme.value;

  // `content` stands for what is drawn
  useEffect(() => {
    const element = target.current;
    if (!element || asTable) return;
    let plot: uPlot | undefined;
    let gone = false;
    draw(element, props, Math.max(200, element.clientWidth)).then((drawn) => {
      if (gone) drawn.destroy();
      else plot = drawn;
    });
    const resized = new ResizeObserver(() => {
      if (plot && element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height: plot.height });
    });
    resized.observe(element);
    const point = (event: Event) => setAt((event as CustomEvent<number | null>).detail);
    element.addEventListener("point", point);
    return () => {
      gone = true;
      resized.disconnect();
      element.removeEventListener("point", point);
      plot?.destroy();
    };
  }, [content, shade, asTable]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="legend">
          {series.map((one, index) => (
            <span key={one.name}>
              <i class={one.kind === "line" ? "swatch dash" : "swatch"} style={{ color: `var(${one.color})` }} />
              <bdi>{one.name}</bdi>
              {at !== null && series.length <= 3 && <b class="num">{format(series[index]?.values[at] ?? 0)}</b>}
            </span>
          ))}
        </span>
        <span class="muted">
          {at !== null && steps[at] ? period(steps[at]) : props.onZoom && !asTable ? t.overview.chartHint : ""}
        </span>
        <button type="button" class="link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {t.overview.zoomTable}
        </button>
      </figcaption>
      {asTable ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <section class="scroll short" tabIndex={0} aria-label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.columns.period}</th>
                {series.map((one) => (
                  <th key={one.name} scope="col" class="num">
                    {one.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {steps.map((step, index) => (
                <tr key={step + index.toString()}>
                  <th scope="row">{period(step)}</th>
                  {series.map((one) => (
                    <td key={one.name} class="num">
                      {format(one.values[index] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div
          ref={target}
          class="plot"
          role="img"
          aria-label={label}
          style={{ minHeight: `${props.height ?? 220}px` }}
        />
      )}
    </figure>
  );
}
