import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem";
import { type Progress, searchSession } from "../search";
import { t } from "../text";
import { ProblemBox } from "./states";

interface SearchBoxProps {
  id: string;
  /** The number of turns; null as long as that is not known. */
  all: number | null;
  selected: number;
  onSelect: (index: number) => void;
  onClose: () => void;
}

/** Searches all turns of the session, not only those that are loaded. */
export function SearchBox({ id, all, selected, onSelect, onClose }: SearchBoxProps) {
  const field = useRef<HTMLInputElement>(null);
  const running = useRef<AbortController | undefined>(undefined);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  useEffect(() => {
    field.current?.focus();
    return () => running.current?.abort();
  }, []);
  // A search goes on while more turns are loaded: it goes to a hit by what is known then.
  const select = useRef(onSelect);
  select.current = onSelect;
  const start = (words: string) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setProblem(null);
    setProgress({ hits: [], searched: 0, done: false });
    let jumped = false;
    searchSession(id, words, abort.signal, (found) => {
      if (abort.signal.aborted) return;
      setProgress(found);
      const first = found.hits[0];
      if (!jumped && first !== undefined) {
        jumped = true;
        select.current(first);
      }
    }).catch((error: unknown) => {
      if (!abort.signal.aborted) setProblem(asProblem(error));
    });
  };
  const go = (direction: 1 | -1) => {
    const hits = progress?.hits ?? [];
    const found = direction > 0 ? hits.find((hit) => hit > selected) : hits.findLast((hit) => hit < selected);
    if (found !== undefined) onSelect(found);
  };
  return (
    <search class="search">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          const words = field.current?.value.trim() ?? "";
          if (words !== "") start(words);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
        }}
      >
        <label>
          <span class="visually-hidden">{t.session.search}</span>
          <input ref={field} type="search" name="words" autoComplete="off" placeholder={t.session.searchHint} />
        </label>
        <button type="submit" class="button">
          {t.keys.search}
        </button>
        {progress && (
          <span role="status" class="muted">
            {progress.done ? t.session.found(progress.hits.length) : t.session.searching(progress.searched, all)}
          </span>
        )}
        {progress && progress.hits.length > 0 && (
          <>
            <button type="button" class="button quiet" onClick={() => go(-1)}>
              {t.session.previousHit}
            </button>
            <button type="button" class="button quiet" onClick={() => go(1)}>
              {t.session.nextHit}
            </button>
          </>
        )}
        <button type="button" class="button quiet" onClick={onClose}>
          {t.keys.close}
        </button>
      </form>
      {problem && <ProblemBox problem={problem} retryIn={null} />}
    </search>
  );
}
