import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Timeline } from "../api/shapes";
import { duration, money, number, short } from "../format";
import { visible } from "../safe";
import { t } from "../text";
import { costCurve, type Layout, layoutOf, promptParts } from "../waterfall";

const ROW = 28;
/** Rows that are there beyond what is seen, so that scrolling has something to show. */
const SPARE = 8;

interface WaterfallProps {
  timeline: Timeline;
  /** Counts the parts that have been loaded: the arrays grow in place. */
  loaded: number;
  selected: number;
  onSelect: (index: number) => void;
}

function Tokens({ timeline, index, most }: { timeline: Timeline; index: number; most: number }) {
  const { fresh, repeated, cached } = promptParts(timeline.steps, index);
  const completion = timeline.steps.completion_tokens[index] ?? 0;
  const width = (tokens: number) => ({ width: `${(100 * tokens) / most}%` });
  return (
    <span class="wf-bar">
      <i class="tok-cached" style={width(cached)} />
      <i class="tok-repeated" style={width(repeated)} />
      <i class="tok-fresh" style={width(fresh)} />
      <i class="tok-completion" style={width(completion)} />
    </span>
  );
}

interface RowProps {
  timeline: Timeline;
  layout: Layout;
  row: number;
  isSelected: boolean;
}

function Row({ timeline, layout, row, isSelected }: RowProps) {
  const index = layout.rows[row] ?? 0;
  const place = { transform: `translateY(${row * ROW}px)` };
  if (index < 0) {
    const gap = timeline.verdict.idle_gaps[-1 - index];
    return (
      <div class="wf-row wf-gap" role="presentation" style={place}>
        <span>{t.session.idle(gap?.seconds ?? 0)}</span>
      </div>
    );
  }
  const { steps } = timeline;
  const failed = steps.status[index] === "failure";
  const tools = steps.tools[index] ?? [];
  const left = (100 * (layout.starts[index] ?? 0)) / layout.length;
  const width = (100 * (steps.seconds[index] ?? 0)) / layout.length;
  const lane = Math.min(6, steps.lane[index] ?? 0);
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active row
    <div
      id={`step-${index}`}
      class={failed ? "wf-row failed" : "wf-row"}
      role="option"
      aria-selected={isSelected}
      aria-posinset={index + 1}
      aria-setsize={steps.request_id.length}
      data-step={index}
      style={place}
    >
      <span class="num muted wf-n">{index + 1}</span>
      <span class="num muted wf-at">{duration(steps.started_after[index])}</span>
      <span class="wf-what" style={{ paddingLeft: `${lane * 10}px` }}>
        {failed && <b class="mark">✕ {steps.error_class[index] ?? ""}</b>}
        {steps.human[index] && (
          <b class="human" title={t.message.roles.user}>
            ●
          </b>
        )}
        <bdi>{visible(steps.model_group[index] ?? steps.model[index] ?? "")}</bdi>
        {tools.length > 0 && <bdi class="wf-tools">{visible(tools.join(", "))}</bdi>}
      </span>
      <span class="wf-when" title={duration(steps.seconds[index])}>
        <i
          class={failed ? "bad" : undefined}
          style={{ left: `${Math.min(99.5, left)}%`, width: `${Math.max(0.5, width)}%` }}
        />
      </span>
      <span class="num wf-took">{duration(steps.seconds[index])}</span>
      <Tokens timeline={timeline} index={index} most={layout.mostTokens} />
      <span class="num wf-tok">{short((steps.prompt_tokens[index] ?? 0) + (steps.completion_tokens[index] ?? 0))}</span>
      <span class="num wf-cost">{money(steps.cost[index])}</span>
      <span class="num muted wf-run">{money(steps.running_cost[index])}</span>
    </div>
  );
}

/** The running cost over all turns, with the failures: a place to jump from. */
function Minimap({ timeline, loaded, selected, onSelect }: WaterfallProps) {
  const count = timeline.steps.request_id.length;
  // the arrays grow in place, `loaded` says when
  const { path, failures } = useMemo(() => {
    const curve = costCurve(timeline.steps, 400);
    const x = (step: number) => ((100 * (step + 0.5)) / Math.max(1, count)).toFixed(2);
    const line = curve.map(({ step, height }) => `L${x(step)} ${(30 - 28 * height).toFixed(2)}`).join("");
    const marks = new Set<string>();
    timeline.steps.status.forEach((status, step) => {
      if (status === "failure") marks.add(Number(x(step)).toFixed(1));
    });
    return {
      path: `M0 30${line}L100 ${curve.length ? (30 - 28 * (curve[curve.length - 1]?.height ?? 0)).toFixed(2) : 30}L100 30Z`,
      failures: [...marks],
    };
  }, [timeline, loaded, count]);
  if (count < 2) return null;
  const go = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    onSelect(Math.max(0, Math.min(count - 1, Math.floor((count * (event.clientX - box.left)) / box.width))));
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list below has the keys
    <svg
      class="minimap"
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      role="img"
      aria-label={t.session.minimap}
      onClick={go}
    >
      <path d={path} />
      {failures.map((x) => (
        <line key={x} class="fail" x1={x} x2={x} y1="24" y2="30" />
      ))}
      <line class="here" x1={(100 * (selected + 0.5)) / count} x2={(100 * (selected + 0.5)) / count} y1="0" y2="30" />
    </svg>
  );
}

export function Waterfall(props: WaterfallProps) {
  const { timeline, loaded, selected, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, pool: 40 });
  // the arrays grow in place, `loaded` says when
  const layout = useMemo(() => layoutOf(timeline.steps, timeline.verdict.idle_gaps), [timeline, loaded]);
  const count = layout.rows.length;

  const look = () => {
    const element = box.current;
    if (!element) return;
    const pool = Math.ceil(element.clientHeight / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.floor(element.scrollTop / ROW) - SPARE);
    // In steps, so that not each row that passes is a rendering.
    const stepped = first - (first % 4);
    setRange((old) => (old.first === stepped && old.pool === pool ? old : { first: stepped, pool }));
  };

  useEffect(() => {
    const resized = new ResizeObserver(look);
    if (box.current) resized.observe(box.current);
    return () => resized.disconnect();
  }, []);

  // only a new choice moves the list
  useEffect(() => {
    const element = box.current;
    if (!element || selected < 0) return;
    const top = (layout.rowOf[selected] ?? 0) * ROW;
    const height = element.clientHeight - ROW;
    if (top < element.scrollTop + ROW) element.scrollTop = Math.max(0, top - 2 * ROW);
    else if (top + ROW > element.scrollTop + height) element.scrollTop = top - height + 2 * ROW;
  }, [selected, layout]);

  const slots = Math.min(range.pool, count);
  // A row that shows what it showed is the same element, and costs nothing.
  const drawn = useRef<{ layout: Layout; rows: Map<number, JSX.Element> }>({ layout, rows: new Map() });
  if (drawn.current.layout !== layout) drawn.current = { layout, rows: new Map() };
  const rowAt = (slot: number, row: number) => {
    const isSelected = layout.rows[row] === selected;
    const known = drawn.current.rows.get(slot);
    if (known && known.props.row === row && known.props.isSelected === isSelected) return known;
    const made = <Row key={slot.toString()} timeline={timeline} layout={layout} row={row} isSelected={isSelected} />;
    drawn.current.rows.set(slot, made);
    return made;
  };
  return (
    <section class="waterfall" aria-label={t.session.waterfall}>
      <Minimap {...props} />
      <div class="wf-row wf-head" aria-hidden="true">
        <span class="wf-n">{t.session.heads.turn}</span>
        <span class="wf-at">{t.session.heads.at}</span>
        <span class="wf-what">{t.session.heads.what}</span>
        <span class="wf-when">{t.session.heads.when}</span>
        <span class="wf-took" />
        <span class="wf-bar">{t.session.heads.tokens}</span>
        <span class="wf-tok" />
        <span class="wf-cost">{t.session.heads.cost}</span>
        <span class="wf-run">{t.session.heads.running}</span>
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the page move the choice */}
      <div
        ref={box}
        class="wf-scroll"
        role="listbox"
        tabIndex={0}
        aria-label={t.session.waterfall}
        aria-activedescendant={selected >= 0 ? `step-${selected}` : undefined}
        onScroll={look}
        onClick={(event) => {
          const found = (event.target as Element).closest("[data-step]");
          if (found instanceof HTMLElement) onSelect(Number(found.dataset.step));
        }}
      >
        <div class="wf-all" role="presentation" style={{ height: `${count * ROW}px` }}>
          {Array.from({ length: slots }, (_, slot) => {
            // A slot keeps its element: scrolling writes into what is there.
            const base = range.first - (range.first % slots) + slot;
            const row = base < range.first ? base + slots : base;
            return row < count ? rowAt(slot, row) : null;
          })}
        </div>
      </div>
      <p class="legend">
        {timeline.steps.repeated_tokens.some((tokens) => tokens != null) && (
          <span>
            <i class="swatch tok-repeated" />
            {t.session.legend.repeated}
          </span>
        )}
        {timeline.steps.cached_tokens.some((tokens) => tokens != null) && (
          <span>
            <i class="swatch tok-cached" />
            {t.session.legend.cached}
          </span>
        )}
        <span>
          <i class="swatch tok-fresh" />
          {timeline.steps.repeated_tokens.some((tokens) => tokens != null)
            ? t.session.legend.fresh
            : t.session.legend.prompt}
        </span>
        <span>
          <i class="swatch tok-completion" />
          {t.session.legend.completion}
        </span>
        <span class="muted num">{number(timeline.steps.request_id.length)}</span>
      </p>
    </section>
  );
}
