import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { follow } from "../api/client";
import { type ApiProblem, asProblem } from "../api/problem";
import { useAnswer } from "../api/query";
import { type LoadedTimeline, loadTimeline, messagesPath } from "../api/timeline";
import { useKeys } from "../keys";
import { epoch } from "../login/credential";
import { AsOf } from "../parts/asof";
import { Conversation } from "../parts/conversation";
import { Copy } from "../parts/copy";
import { Layout } from "../parts/layout";
import { SearchBox } from "../parts/search";
import { ProblemBox, Shown, Skeleton } from "../parts/states";
import { type SessionMessage, Turn } from "../parts/turn";
import { VerdictLine } from "../parts/verdict";
import { Waterfall } from "../parts/waterfall";
import { location, setQuery } from "../router";
import { visible } from "../safe";
import { link, now } from "../state";
import { t } from "../text";
import { nextStep } from "../waterfall";

/** How many turns the conversation gets at a time. */
const PAGE = 100;

interface Loading {
  loaded: LoadedTimeline | null;
  /** Counts the parts: the arrays of a timeline grow in place. */
  parts: number;
  problem: ApiProblem | null;
}

function useTimeline(id: string): Loading & { retry: () => void } {
  const [state, setState] = useState<Loading>({ loaded: null, parts: 0, problem: null });
  const [attempt, setAttempt] = useState(0);
  const login = epoch.value;
  const moment = now.value;
  // another login, a refresh or a retry asks anew
  useEffect(() => {
    const abort = new AbortController();
    setState({ loaded: null, parts: 0, problem: null });
    let retry: ReturnType<typeof setTimeout> | undefined;
    const part = (loaded: LoadedTimeline) => {
      if (!abort.signal.aborted) setState((old) => ({ loaded, parts: old.parts + 1, problem: null }));
    };
    loadTimeline(id, abort.signal, part)
      .then(part)
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = asProblem(error);
        setState((old) => ({ ...old, problem }));
        if (problem.retryAfter !== null)
          retry = setTimeout(() => setAttempt((count) => count + 1), 1000 * problem.retryAfter);
      });
    return () => {
      abort.abort();
      if (retry) clearTimeout(retry);
    };
  }, [id, login, moment, attempt]);
  return { ...state, retry: () => setAttempt((count) => count + 1) };
}

/** The turns of the conversation, a page at a time. */
function useTurns(id: string) {
  const first = useAnswer(`conversation ${id}`, (signal) => follow<SessionMessage[]>(messagesPath(id, PAGE), signal));
  const [further, setFurther] = useState<{ of: string; turns: SessionMessage[]; next: string | null } | null>(null);
  const mine = further?.of === id ? further : null;
  const turns = useMemo(() => [...(first.data ?? []), ...(mine?.turns ?? [])], [first.data, mine]);
  const next = mine ? mine.next : first.next;
  const more = next
    ? () => {
        follow<SessionMessage[]>(next).then(
          (page) => setFurther({ of: id, turns: [...(mine?.turns ?? []), ...page.data], next: page.next }),
          () => setFurther(mine),
        );
      }
    : null;
  return { first, turns, more };
}

function useSelection(count: number, all: number): [number, (index: number) => void] {
  const asked = Number(location.value.query.get("turn"));
  const fromAddress = Number.isInteger(asked) && asked >= 1 ? asked - 1 : 0;
  const [chosen, setChosen] = useState(fromAddress);
  const writing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setChosen(fromAddress), [fromAddress]);
  const select = (index: number) => {
    const valid = Math.max(0, Math.min(all - 1, index));
    setChosen(valid);
    // Browsers allow only so many changes of the address in a time.
    if (writing.current) clearTimeout(writing.current);
    writing.current = setTimeout(() => setQuery({ turn: String(valid + 1) }, "replace"), 150);
  };
  useEffect(() => () => clearTimeout(writing.current), []);
  return [Math.min(chosen, Math.max(0, count - 1)), select];
}

export function SessionPage({ id }: { id: string }) {
  const { loaded, parts, problem, retry } = useTimeline(id);
  const { first, turns, more } = useTurns(id);
  const timeline = loaded?.timeline;
  const count = timeline?.steps.request_id.length ?? 0;
  const [selected, select] = useSelection(count, timeline?.requests ?? 0);
  const tab = location.value.query.get("tab") === "conversation" ? "conversation" : "turn";
  const [searching, setSearching] = useState(false);
  const byId = useMemo(() => new Map(turns.map((turn) => [turn.request_id, turn])), [turns]);

  const jump = (direction: 1 | -1, wanted: (index: number) => boolean) => {
    const found = nextStep(count, selected, direction, wanted);
    if (found >= 0) select(found);
  };
  // Where it is not known who spoke, each turn counts.
  const isHuman = (index: number) => timeline?.steps.human[index] ?? true;
  useKeys([
    { key: "/", does: t.keys.search, run: () => setSearching(true) },
    { key: "e", does: t.keys.nextFailure, run: () => jump(1, (index) => timeline?.steps.status[index] === "failure") },
    { key: "G", does: t.keys.last, run: () => select(count - 1) },
    { key: "g", does: t.keys.first, run: () => select(0) },
    { key: "K", does: t.keys.previousHuman, run: () => jump(-1, isHuman) },
    { key: "J", does: t.keys.nextHuman, run: () => jump(1, isHuman) },
    { key: "ArrowUp", does: t.keys.previousTurn, run: () => select(selected - 1) },
    { key: "ArrowDown", does: t.keys.nextTurn, run: () => select(selected + 1) },
    { key: "k", does: t.keys.previousTurn, run: () => select(selected - 1) },
    { key: "j", does: t.keys.nextTurn, run: () => select(selected + 1) },
  ]);

  return (
    <Layout
      title={t.pages.session}
      windowed={false}
      aside={
        <>
          <bdi class="mono id break">{visible(id)}</bdi>
          <Copy text={() => id} label={t.request.copyId} />
          <a href={link("/diff", { a: id })}>{t.session.compareWith}</a>
          <AsOf times={[loaded?.asOf ?? null]} />
        </>
      }
    >
      {problem && <ProblemBox problem={problem} retryIn={problem.retryAfter} retry={retry} />}
      {!timeline && !problem && <Skeleton rows={12} />}
      {timeline && loaded && (
        <>
          <VerdictLine timeline={timeline} complete={loaded.complete} onSelect={select} />
          {searching && (
            <SearchBox
              id={id}
              all={timeline.requests}
              selected={selected}
              onSelect={select}
              onClose={() => setSearching(false)}
            />
          )}
          <div class="panes">
            <Waterfall timeline={timeline} loaded={parts} selected={selected} onSelect={select} />
            <div class="reader">
              <div class="tabs">
                <div role="tablist">
                  {(["turn", "conversation"] as const).map((name) => (
                    <button
                      key={name}
                      type="button"
                      role="tab"
                      id={`tab-${name}`}
                      aria-controls="reader-panel"
                      aria-selected={tab === name}
                      onClick={() => setQuery({ tab: name === "turn" ? null : name }, "replace")}
                    >
                      {t.session.tabs[name]}
                    </button>
                  ))}
                </div>
                <button type="button" class="button quiet" onClick={() => setSearching(true)}>
                  {t.session.search}
                </button>
              </div>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
              <div class="reader-scroll" id="reader-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
                {tab === "turn" ? (
                  first.data || first.problem ? (
                    <Turn timeline={timeline} index={selected} loaded={byId} />
                  ) : (
                    <Skeleton rows={6} slow={first.state === "slow"} />
                  )
                ) : (
                  <Shown asked={first} rows={10}>
                    {() => <Conversation timeline={timeline} turns={turns} selected={selected} more={more} />}
                  </Shown>
                )}
              </div>
            </div>
          </div>
        </>
      )}
    </Layout>
  );
}
