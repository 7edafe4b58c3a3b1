import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Timeline } from "../api/shapes";
import { isFailure, modelOf, nameAt } from "../api/timeline";
import { duration, money, short } from "../format";
import { visible } from "../safe";
import { t } from "../text";
import { type Layout, promptParts } from "../waterfall";

const ROW = 28;
/** Rows that are there beyond what is seen, so that scrolling has something to show. */
const SPARE = 8;

function Tokens({ timeline, index, most }: { timeline: Timeline; index: number; most: number }) {
  const { fresh, repeated, cached } = promptParts(timeline.steps, index);
  const completion = timeline.steps.completion_tokens[index] ?? 0;
  const part = (kind: string, tokens: number) =>
    tokens > 0 && <i class={`tok-${kind}`} style={{ width: `${(100 * tokens) / most}%` }} />;
  return (
    <span class="wf-bar">
      {part("cached", cached)}
      {part("repeated", repeated)}
      {part("fresh", fresh)}
      {part("completion", completion)}
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
    const gap = timeline.whole?.verdict.idle_gaps[-1 - index];
    return (
      <div class="wf-row wf-gap" role="presentation" style={place}>
        <span>{t.session.idle(gap?.seconds ?? 0)}</span>
      </div>
    );
  }
  const { steps } = timeline;
  const failed = isFailure(timeline, index);
  const tools = (steps.tools[index] ?? []).map((place) => nameAt(timeline, place));
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
        {failed && <b class="mark">✕ {nameAt(timeline, steps.error_class[index])}</b>}
        {steps.human?.[index] && (
          <b class="human" title={t.message.roles.user}>
            ●
          </b>
        )}
        <bdi>{visible(modelOf(timeline, index))}</bdi>
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

interface StepsProps {
  timeline: Timeline;
  layout: Layout;
  selected: number;
  onSelect: (index: number) => void;
}

/** The rows that are seen, of however many there are. */
export function Steps({ timeline, layout, selected, onSelect }: StepsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, pool: 40 });
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

  // Only a new choice moves the list: more turns leave it where the reader has scrolled it.
  const reached = useRef(-1);
  useEffect(() => {
    const element = box.current;
    const row = layout.rowOf[selected];
    if (!element || row === undefined || reached.current === selected) return;
    reached.current = selected;
    const top = row * ROW;
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
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the page move the choice
    <div
      ref={box}
      class="wf-scroll"
      role="listbox"
      tabIndex={0}
      aria-label={t.session.waterfall}
      aria-activedescendant={selected < layout.rowOf.length ? `step-${selected}` : undefined}
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
  );
}
