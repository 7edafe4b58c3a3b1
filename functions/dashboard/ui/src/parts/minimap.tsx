import { useMemo } from "preact/hooks";
import type { Timeline } from "../api/shapes";
import { isFailure } from "../api/timeline";
import { t } from "../text";
import { costCurve } from "../waterfall";

interface MinimapProps {
  timeline: Timeline;
  selected: number;
  onSelect: (index: number) => void;
}

/** The running cost over all turns, with the failures: a place to jump from. */
export function Minimap({ timeline, selected, onSelect }: MinimapProps) {
  const count = timeline.steps.request_id.length;
  const { path, failures } = useMemo(() => {
    const curve = costCurve(timeline.steps, 400);
    const x = (step: number) => ((100 * (step + 0.5)) / Math.max(1, count)).toFixed(2);
    const line = curve.map(({ step, height }) => `L${x(step)} ${(30 - 28 * height).toFixed(2)}`).join("");
    const marks = new Set<string>();
    for (let step = 0; step < count; step++) if (isFailure(timeline, step)) marks.add(Number(x(step)).toFixed(1));
    return {
      path: `M0 30${line}L100 ${curve.length ? (30 - 28 * (curve[curve.length - 1]?.height ?? 0)).toFixed(2) : 30}L100 30Z`,
      failures: [...marks],
    };
  }, [timeline, count]);
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
