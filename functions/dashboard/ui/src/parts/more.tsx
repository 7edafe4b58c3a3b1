import { useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem";
import { t } from "../text";
import { ProblemBox } from "./states";

/** The end of a list: its next page, or that there is none. */
export function More({ next, load }: { next: string | null; load: (path: string) => Promise<void> }) {
  const [state, setState] = useState<"waiting" | "loading">("waiting");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const run = () => {
    if (!next) return;
    setState("loading");
    setProblem(null);
    load(next)
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => setState("waiting"));
  };
  if (problem) return <ProblemBox problem={problem} retryIn={null} retry={run} />;
  return (
    <p class="more">
      {next ? (
        <button type="button" class="button" disabled={state === "loading"} onClick={run}>
          {state === "loading" ? t.states.loading : t.states.more}
        </button>
      ) : (
        <span class="muted">{t.states.end}</span>
      )}
    </p>
  );
}
