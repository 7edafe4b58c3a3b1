import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { follow } from "../api/client";
import type { Asked } from "../api/query";
import type { SessionMessage } from "../api/shapes";
import { firstSteps, isFailure, useFirstTurns, useTimeline } from "../api/timeline";
import { useKeys } from "../keys";
import { AsOf } from "../parts/asof";
import { Conversation } from "../parts/conversation";
import { Copy } from "../parts/copy";
import { Layout } from "../parts/layout";
import { SearchBox } from "../parts/search";
import { ProblemBox, Shown, Skeleton } from "../parts/states";
import { Turn } from "../parts/turn";
import { VerdictLine } from "../parts/verdict";
import { Waterfall } from "../parts/waterfall";
import { location, setQuery } from "../router";
import { visible } from "../safe";
import { link } from "../state";
import { t } from "../text";
import { nextStep } from "../waterfall";

/** The turns of the conversation, a page at a time. */
function useTurns(id: string, first: Asked<SessionMessage[]>) {
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
  return { turns, more };
}

/** The chosen turn, which the address names. It may be one that is not loaded yet. */
function useSelection(): { selected: number; latest: () => number; select: (index: number) => void } {
  const asked = Number(location.value.query.get("turn"));
  const fromAddress = Number.isInteger(asked) && asked >= 1 ? asked - 1 : 0;
  const [chosen, setChosen] = useState(fromAddress);
  // Keys can come faster than renderings.
  const at = useRef(chosen);
  const writing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const choose = (index: number) => {
    at.current = index;
    setChosen(index);
  };
  useEffect(() => choose(fromAddress), [fromAddress]);
  const select = (index: number) => {
    choose(Math.max(0, index));
    // Browsers allow only so many changes of the address in a time.
    if (writing.current) clearTimeout(writing.current);
    writing.current = setTimeout(() => setQuery({ turn: String(at.current + 1) }, "replace"), 150);
  };
  useEffect(() => () => clearTimeout(writing.current), []);
  return { selected: chosen, latest: () => at.current, select };
}

export function SessionPage({ id }: { id: string }) {
  const first = useFirstTurns(id);
  const asked = useTimeline(id, first);
  const { turns, more } = useTurns(id, first);
  const early = useMemo(() => (first.data ? firstSteps(first.data) : undefined), [first.data]);
  const timeline = asked.data ?? early;
  const whole = timeline?.whole ?? null;
  const count = timeline?.steps.request_id.length ?? 0;
  const selection = useSelection();
  const { select } = selection;
  const selected = whole ? Math.min(selection.selected, count - 1) : selection.selected;
  const tab = location.value.query.get("tab") === "conversation" ? "conversation" : "turn";
  const [searching, setSearching] = useState(false);
  const failed = [first, asked].find((one) => one.state === "failed");
  const byId = useMemo(() => new Map(turns.map((turn) => [turn.request_id, turn])), [turns]);

  const jump = (direction: 1 | -1, wanted: (index: number) => boolean) => {
    const found = nextStep(count, selection.latest(), direction, wanted);
    if (found >= 0) select(found);
  };
  const move = (by: 1 | -1) => select(Math.min(count - 1, selection.latest() + by));
  // Where it is not known who spoke, each turn counts.
  const isHuman = (index: number) => timeline?.steps.human?.[index] ?? true;
  useKeys([
    { key: "/", does: t.keys.search, run: () => setSearching(true) },
    { key: "e", does: t.keys.nextFailure, run: () => jump(1, (index) => !!timeline && isFailure(timeline, index)) },
    { key: "G", does: t.keys.last, run: () => select(count - 1) },
    { key: "g", does: t.keys.first, run: () => select(0) },
    { key: "K", does: t.keys.previousHuman, run: () => jump(-1, isHuman) },
    { key: "J", does: t.keys.nextHuman, run: () => jump(1, isHuman) },
    { key: "ArrowUp", does: t.keys.previousTurn, run: () => move(-1) },
    { key: "ArrowDown", does: t.keys.nextTurn, run: () => move(1) },
    { key: "k", does: t.keys.previousTurn, run: () => move(-1) },
    { key: "j", does: t.keys.nextTurn, run: () => move(1) },
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
          <AsOf times={[asked.asOf ?? first.asOf]} />
        </>
      }
    >
      {failed?.problem && <ProblemBox problem={failed.problem} retryIn={failed.retryIn} retry={failed.retry} />}
      {!timeline && !failed && <Skeleton rows={12} slow={first.state === "slow"} />}
      {timeline && (
        <>
          <VerdictLine timeline={timeline} reading={asked.state !== "done"} onSelect={select} />
          {searching && (
            <SearchBox
              id={id}
              all={whole?.requests ?? null}
              selected={selected}
              onSelect={select}
              onClose={() => setSearching(false)}
            />
          )}
          <div class="panes">
            <Waterfall timeline={timeline} selected={selected} onSelect={select} />
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
                  selected < count ? (
                    <Turn timeline={timeline} index={selected} loaded={byId} />
                  ) : (
                    <Skeleton rows={6} slow={asked.state === "slow"} />
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
