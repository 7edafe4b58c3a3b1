import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type AlignedRow, alignedRows } from "../aligned";
import { answer, client } from "../api/client";
import { useAnswer } from "../api/query";
import type { DiffTurn, SessionDiff, Timeline } from "../api/shapes";
import { isFailure, modelOf, nameAt } from "../api/timeline";
import { diffText } from "../diff";
import { duration, money, NOTHING, number, signed } from "../format";
import { useKeys } from "../keys";
import { FIRST, pretty, visible } from "../safe";
import { sessionLink } from "../state";
import { t } from "../text";
import { Scroll } from "./scroll";
import { Shown } from "./states";
import { historyOf } from "./turn";

/** Rows shown at first, and added by each "Load more". */
const ROWS = 200;

/** The differences that a comparison of text can show. */
const SAID = ["prompt", "tool_call", "answer"];

/** One of the two sessions. Its timeline loads separately. */
export interface Compared {
  id: string;
  timeline: Timeline | undefined;
}

/** The messages that a turn added, as one text. */
async function turnText(id: string, signal: AbortSignal): Promise<string> {
  const found = await answer(
    client.GET("/api/v1/requests/{request_id}/messages", { params: { path: { request_id: id } }, signal }),
  );
  const messages = found.data.messages.slice(historyOf(found.data.messages));
  return messages
    .map((message) =>
      [
        `${message.role}:`,
        message.text ?? "",
        ...(message.tool_calls ?? []).map((call) => `${call.name} ${pretty(call.arguments ?? call.arguments_text)}`),
      ].join("\n"),
    )
    .join("\n\n");
}

/** Characters of each text that are compared. */
const COMPARED = 5 * FIRST;

function TextDiff({ a, b }: { a: string; b: string }) {
  const asked = useAnswer(`texts ${a} ${b}`, async (signal) => {
    const [one, other] = await Promise.all([turnText(a, signal), turnText(b, signal)]);
    return { data: diffText(one.slice(0, COMPARED), other.slice(0, COMPARED)), asOf: null, next: null };
  });
  return (
    <Shown asked={asked} rows={4}>
      {(pieces) => (
        <pre class="text diff" dir="auto">
          {pieces.map((piece, index) => {
            const key = `piece-${index.toString()}`;
            if (piece.kind === "only_a") return <del key={key}>{visible(piece.text)}</del>;
            if (piece.kind === "only_b") return <ins key={key}>{visible(piece.text)}</ins>;
            return <span key={key}>{visible(piece.text)}</span>;
          })}
        </pre>
      )}
    </Shown>
  );
}

interface StepProps {
  session: Compared;
  step: number | null;
  excerpt: string | null | undefined;
  absent: string;
}

/** The request of one session in a turn. */
function Step({ session, step, excerpt, absent }: StepProps) {
  if (step === null) return <td class="absent muted">{absent}</td>;
  const { timeline } = session;
  const tools = timeline?.steps.tools[step]?.map((place) => nameAt(timeline, place)) ?? [];
  return (
    <td>
      <a href={sessionLink(session.id, { turn: String(step + 1) })}>{number(step + 1)}</a>{" "}
      {timeline && (
        <>
          <bdi>{visible(modelOf(timeline, step))}</bdi>
          {isFailure(timeline, step) && <span class="badge bad">✕</span>}
          {tools.length > 0 && <bdi class="mono muted"> {visible(tools.join(", "))}</bdi>}
          <span class="muted num small nowrap">
            {" "}
            {money(timeline.steps.cost[step])} · {duration(timeline.steps.seconds[step])}
          </span>
        </>
      )}
      {excerpt && <bdi class="excerpt muted small">{visible(excerpt)}</bdi>}
    </td>
  );
}

const plain = (value: number, format: (value: number) => string) => (value === 0 ? NOTHING : signed(value, format));

interface TurnRowProps {
  turn: DiffTurn;
  index: number;
  isFirst: boolean;
  a: Compared;
  b: Compared;
}

function TurnRow({ turn, index, isFirst, a, b }: TurnRowProps) {
  const [open, setOpen] = useState(false);
  const { differences, excerpts } = turn;
  const idOf = (session: Compared, step: number | null) => session.timeline?.steps.request_id[step ?? -1];
  const [idA, idB] = [idOf(a, turn.a), idOf(b, turn.b)];
  const part = differences.includes("answer") && !differences.includes("prompt") ? "answer" : "prompt";
  return (
    <>
      <tr
        id={`turn-${index}`}
        class={isFirst ? "divergence" : undefined}
        data-differs={differences.length > 0 ? differences.join(" ") : undefined}
      >
        <th scope="row" class="num muted">
          {number(index + 1)}
        </th>
        <Step session={a} step={turn.a} excerpt={excerpts?.[`${part}_a`]} absent={t.diff.onlyB} />
        <Step session={b} step={turn.b} excerpt={excerpts?.[`${part}_b`]} absent={t.diff.onlyA} />
        <td>
          {differences.length === 0 ? (
            <span class="muted">{turn.content_compared ? t.diff.equal : t.diff.unread}</span>
          ) : (
            differences.map((what) => {
              const word = t.diff.what[what];
              return (
                word && (
                  <span key={what} class="badge">
                    {word}
                  </span>
                )
              );
            })
          )}
          {idA && idB && differences.some((what) => SAID.includes(what)) && (
            <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
              {t.diff.text}
            </button>
          )}
        </td>
        <td class="num">{plain(turn.cost_change, money)}</td>
        <td class="num">{plain(turn.tokens_change, number)}</td>
        <td class="num nowrap">{plain(turn.seconds_change, duration)}</td>
      </tr>
      {open && idA && idB && (
        <tr>
          <td colSpan={7}>
            <TextDiff a={idA} b={idB} />
          </td>
        </tr>
      )}
    </>
  );
}

function divergence({ turn, kind }: NonNullable<SessionDiff["first_divergence"]>): string {
  if (kind === "added") return t.diff.addedAt(turn + 1);
  if (kind === "removed") return t.diff.removedAt(turn + 1);
  return t.diff.diverges(turn + 1, t.diff.what[kind] ?? kind);
}

const isAt = (row: AlignedRow, turn: number) => "turn" in row && row.turn === turn;

/** The turns of two sessions, side by side. */
export function AlignedTurns({ diff, a, b }: { diff: SessionDiff; a: Compared; b: Compared }) {
  const { turns } = diff;
  const first = diff.first_divergence;
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  const [shown, setShown] = useState(ROWS);
  const [target, setTarget] = useState<{ turn: number } | null>(null);
  // Keys can come faster than renderings.
  const at = useRef(-1);
  const rows = useMemo(() => alignedRows(turns, unfolded), [turns, unfolded]);
  const goTo = (turn: number) => {
    if (turn < 0) return;
    setShown(Math.max(shown, rows.findIndex((row) => isAt(row, turn)) + ROWS / 2));
    at.current = turn;
    setTarget({ turn });
  };
  useEffect(() => {
    if (!target) return;
    const row = document.getElementById(`turn-${target.turn}`);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("a")?.focus({ preventScroll: true });
  }, [target]);
  const differs = (turn: DiffTurn) => turn.differences.length > 0;
  useKeys([
    {
      key: "E",
      does: t.keys.previousDifference,
      run: () => goTo(turns.slice(0, Math.max(0, at.current)).findLastIndex(differs)),
    },
    {
      key: "e",
      does: t.keys.nextDifference,
      run: () => goTo(turns.findIndex((turn, index) => index > at.current && differs(turn))),
    },
  ]);
  const isPart = turns.length < diff.total_turns || !diff.a.complete || !diff.b.complete;
  return (
    <section class="card flush">
      <p class="note row">
        <strong>{first ? divergence(first) : t.diff.same}</strong>
        {first && (
          <button type="button" class="link" onClick={() => goTo(first.turn)}>
            {t.diff.goTo}
          </button>
        )}
        {t.diff.content[diff.content] && <span class="muted">{t.diff.content[diff.content]}</span>}
        {isPart && <span class="muted">{t.diff.partly}</span>}
      </p>
      <Scroll label={t.pages.diff}>
        <table class="list turns">
          <thead>
            <tr>
              <th scope="col" class="num">
                {t.diff.row}
              </th>
              <th scope="col">{t.diff.a}</th>
              <th scope="col">{t.diff.b}</th>
              <td />
              <th scope="col" class="num">
                {t.diff.figures.cost}
              </th>
              <th scope="col" class="num">
                {t.diff.figures.tokens}
              </th>
              <th scope="col" class="num">
                {t.diff.figures.seconds}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row) => {
              if ("from" in row)
                return (
                  <tr key={`fold-${row.from}`}>
                    <td colSpan={7}>
                      <button type="button" class="link" onClick={() => setUnfolded(new Set([...unfolded, row.from]))}>
                        {t.diff.folded(row.to - row.from)}
                      </button>
                    </td>
                  </tr>
                );
              const turn = turns[row.turn];
              const isFirst = first?.turn === row.turn;
              return (
                turn && <TurnRow key={`turn-${row.turn}`} turn={turn} index={row.turn} isFirst={isFirst} a={a} b={b} />
              );
            })}
          </tbody>
        </table>
      </Scroll>
      {shown < rows.length && (
        <p class="more">
          <button type="button" class="button" onClick={() => setShown(shown + ROWS)}>
            {t.states.more}
          </button>
        </p>
      )}
    </section>
  );
}
