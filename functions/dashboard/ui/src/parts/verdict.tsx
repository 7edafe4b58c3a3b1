import type { Timeline } from "../api/shapes";
import { duration, money } from "../format";
import { visible } from "../safe";
import { t } from "../text";

interface VerdictProps {
  timeline: Timeline;
  /** Whether more than the timeline without content is still to come. */
  reading: boolean;
  onSelect: (index: number) => void;
}

/** What a session was, in a line; each part that is about a turn leads to it. */
export function VerdictLine({ timeline, reading, onSelect }: VerdictProps) {
  const words = t.session.verdict;
  const { steps, whole } = timeline;
  if (!whole)
    return (
      <p class="verdict">
        <span class="badge" role="status">
          {words.partly(steps.request_id.length)}
        </span>
      </p>
    );
  const { verdict } = whole;
  const dearest = verdict.most_expensive_step;
  const repeated = verdict.repeated_calls;
  const first = repeated?.[0];
  const idle = verdict.idle_gaps.reduce((sum, gap) => sum + gap.seconds, 0);
  const jump = (index: number, text: string, kind?: string) => (
    <button type="button" class={kind ? `link ${kind}` : "link"} onClick={() => onSelect(index)}>
      {text}
    </button>
  );
  const parts = [
    <strong key="turns">{t.session.turns(whole.requests)}</strong>,
    <strong key="cost">{words.cost(money(whole.cost), duration(whole.wall_seconds))}</strong>,
    <span key="busy">{words.busy(duration(whole.busy_seconds))}</span>,
    verdict.first_failure === null ? (
      <span key="failures">{words.noFailures}</span>
    ) : (
      <span key="failures">{jump(verdict.first_failure, words.failures(verdict.failures), "bad")}</span>
    ),
    first && (
      <span key="repeated">
        {jump(first.first_step, words.repeated(visible(first.tool), first.count), "warn")}
        {repeated && repeated.length > 1 ? `, ${words.moreRepeated(repeated.length - 1)}` : ""}
      </span>
    ),
    !reading && repeated === null && (
      <span key="unknown" class="muted">
        {words.repeatedUnknown}
      </span>
    ),
    whole.content_steps > 0 && whole.content_steps < whole.requests && (
      <span key="partly" class="muted">
        {words.repeatedPartly(whole.content_steps)}
      </span>
    ),
    verdict.repeated_prompt_percent !== null && (
      <span key="before">
        {words.sentBefore(verdict.repeated_prompt_percent, whole.repeated_tokens_basis === "estimated")}
      </span>
    ),
    verdict.idle_gaps[0] && (
      <span key="idle">{jump(verdict.idle_gaps[0].after_step, words.idle(verdict.idle_gaps.length, idle))}</span>
    ),
    // Of many turns one is always the most expensive: it is worth a word where it is a good part of the cost.
    dearest !== null && whole.requests > 1 && (steps.cost[dearest] ?? 0) >= 0.1 * whole.cost && (
      <span key="dearest">{jump(dearest, words.dearest(money(steps.cost[dearest])))}</span>
    ),
    !whole.complete && (
      <span key="more" class="badge warn">
        {words.notAll(steps.request_id.length, whole.requests)}
      </span>
    ),
  ].filter(Boolean);
  return <p class="verdict">{parts}</p>;
}
