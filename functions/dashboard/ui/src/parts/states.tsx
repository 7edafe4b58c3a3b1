import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/problem";
import type { Asked } from "../api/query";
import { link, view } from "../state";
import { t } from "../text";

/** What went wrong, what to do, and when it is asked again. */
export function ProblemBox({
  problem,
  retryIn,
  retry,
}: {
  problem: ApiProblem;
  retryIn: number | null;
  retry?: () => void;
}) {
  return (
    <div class="problem" role="alert" data-kind={problem.kind}>
      <strong>{problem.title}</strong>
      <p>{problem.detail}</p>
      <p class="muted">
        {problem.advice} {retryIn === null ? "" : t.states.retryIn(retryIn)}
      </p>
      <p class="row">
        {retry && (
          <button type="button" class="button" onClick={retry}>
            {t.states.retry}
          </button>
        )}
        {problem.kind === "slow" && <a href={link("/quality")}>{t.quality.index}</a>}
        {problem.requestId && <small class="muted mono">{t.states.requestId(problem.requestId)}</small>}
      </p>
    </div>
  );
}

export function Empty({ text }: { text?: string }) {
  const filtered = Object.keys(view.value.filters).length > 0;
  return (
    <div class="empty">
      <p>{text ?? (filtered ? t.states.emptyFiltered : t.states.empty)}</p>
      {!text && <p class="muted">{t.states.emptyAdvice}</p>}
    </div>
  );
}

const WIDTHS = ["w90", "w70", "w80", "w60", "w75", "w50"];

/** The place of what is being loaded, of about its size. */
export function Skeleton({ rows = 3, slow }: { rows?: number; slow?: boolean }) {
  return (
    <div class="skeleton" aria-busy="true">
      {Array.from({ length: rows }, (_, row) => (
        <span key={`row-${row.toString()}`} class={WIDTHS[row % WIDTHS.length]} />
      ))}
      <p class={slow ? "muted" : "visually-hidden"} role="status">
        {slow ? t.states.slow : t.states.loading}
      </p>
    </div>
  );
}

interface ShownProps<T> {
  asked: Asked<T>;
  rows?: number;
  isEmpty?: (data: T) => boolean;
  empty?: string;
  children: (data: T) => ComponentChildren;
}

/** An answer in whichever state it is. Data of the question before stay, paler, until the new ones are there. */
export function Shown<T>({ asked, rows, isEmpty, empty, children }: ShownProps<T>) {
  if (asked.problem && asked.state === "failed")
    return <ProblemBox problem={asked.problem} retryIn={asked.retryIn} retry={asked.retry} />;
  if (asked.data === undefined)
    return asked.state === "idle" ? null : <Skeleton rows={rows ?? 3} slow={asked.state === "slow"} />;
  const busy = asked.state === "loading" || asked.state === "slow";
  return (
    <div class={busy ? "stale" : undefined} aria-busy={busy}>
      {isEmpty?.(asked.data) ? <Empty {...(empty ? { text: empty } : {})} /> : children(asked.data)}
      {asked.state === "slow" && (
        <p class="muted note" role="status">
          {t.states.slow}
        </p>
      )}
    </div>
  );
}
