import { useState } from "preact/hooks";
import { type Answer, answer, client, follow, pathOf } from "../api/client";
import { ApiProblem } from "../api/problem";
import { useAnswer } from "../api/query";
import type { DiffSide, DiffStep, DiffTurn, SessionDiff } from "../api/shapes";
import { diffText } from "../diff";
import { duration, money, NOTHING, number, short } from "../format";
import { AsOf } from "../parts/asof";
import { Layout } from "../parts/layout";
import { Scroll } from "../parts/scroll";
import { Shown } from "../parts/states";
import { historyOf } from "../parts/turn";
import { location, setQuery } from "../router";
import { FIRST, pretty, visible } from "../safe";
import { requestLink, sessionLink } from "../state";
import { t } from "../text";

/** The two totals alone, from a service that cannot align turns. */
async function sidesOnly(a: string, b: string, signal: AbortSignal): Promise<Answer<SessionDiff>> {
  const side = async (id: string) => {
    const found = await answer(
      client.GET("/api/v1/sessions/{session_id}/summary", { params: { path: { session_id: id } }, signal }),
    );
    const s = found.data;
    const totals: DiffSide = {
      session_id: s.session_id,
      start: s.session_start,
      end: s.session_end,
      requests: s.total_messages,
      cost: s.total_cost,
      total_tokens: s.total_tokens,
      prompt_tokens: s.prompt_tokens,
      completion_tokens: s.completion_tokens,
      duration_seconds: s.total_duration_seconds,
      failed_requests: s.failed_requests,
    };
    return { totals, asOf: found.asOf };
  };
  const [one, other] = await Promise.all([side(a), side(b)]);
  const data: SessionDiff = {
    a: one.totals,
    b: other.totals,
    first_divergence: null,
    turns: [],
    content_compared: false,
    complete: false,
  };
  return { data, asOf: one.asOf, next: null };
}

async function ask(a: string, b: string, signal: AbortSignal): Promise<Answer<SessionDiff>> {
  try {
    return await follow<SessionDiff>(pathOf("/api/v1/sessions/diff", { a, b }), signal);
  } catch (error) {
    // Either the service is older, or a session is missing: then the question for its totals says which.
    if (error instanceof ApiProblem && (error.kind === "missing" || error.kind === "invalid"))
      return sidesOnly(a, b, signal);
    throw error;
  }
}

function Choose({ a, b }: { a: string; b: string }) {
  return (
    <form
      class="row card"
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        setQuery({ a: String(fields.get("a")).trim(), b: String(fields.get("b")).trim() });
      }}
    >
      <label>
        {t.diff.idA} <input name="a" class="mono" value={a} required autoComplete="off" />
      </label>
      <label>
        {t.diff.idB} <input name="b" class="mono" value={b} required autoComplete="off" />
      </label>
      <button type="submit" class="button primary">
        {t.diff.compare}
      </button>
      {a && b && (
        <button type="button" class="button quiet" onClick={() => setQuery({ a: b, b: a })}>
          {t.diff.swap}
        </button>
      )}
    </form>
  );
}

function Totals({ diff }: { diff: SessionDiff }) {
  const words = t.diff.figures;
  const rows: [string, (side: DiffSide) => number, (value: number) => string][] = [
    [words.cost, (side) => side.cost, money],
    [words.requests, (side) => side.requests, number],
    [words.tokens, (side) => side.total_tokens, short],
    [words.duration, (side) => side.duration_seconds, duration],
    [words.failures, (side) => side.failed_requests, number],
  ];
  return (
    <div class="scroll">
      <table class="list">
        <thead>
          <tr>
            <td />
            {(
              [
                ["a", diff.a],
                ["b", diff.b],
              ] as const
            ).map(([name, side]) => (
              <th key={name} scope="col" class="num">
                {t.diff[name]}{" "}
                <a class="mono" href={sessionLink(side.session_id)}>
                  <bdi>{visible(side.session_id)}</bdi>
                </a>
              </th>
            ))}
            <th scope="col" class="num">
              {t.diff.delta}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, value, format]) => {
            const delta = value(diff.b) - value(diff.a);
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="num">{format(value(diff.a))}</td>
                <td class="num">{format(value(diff.b))}</td>
                <td class="num">
                  <b class={delta > 0 ? "delta up" : delta < 0 ? "delta down" : "delta"}>
                    {delta > 0 ? "+" : ""}
                    {format(delta)}
                  </b>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Step({ step, other }: { step: DiffStep | null; other: string }) {
  if (!step) return <td class="absent muted">{other}</td>;
  return (
    <td>
      <a href={requestLink(step.request_id)}>{number(step.index + 1)}</a> <bdi>{visible(step.model)}</bdi>
      {step.status === "failure" && <span class="badge bad">✕</span>}
      {step.tools.length > 0 && <bdi class="mono muted"> {visible(step.tools.join(", "))}</bdi>}
      <span class="muted num small">
        {" "}
        {money(step.cost)} · {duration(step.seconds)}
      </span>
    </td>
  );
}

/** What a turn added, as text to be compared. */
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

/** As much as is compared of each text. */
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

function TurnRow({ turn, index, isFirst }: { turn: DiffTurn; index: number; isFirst: boolean }) {
  const [open, setOpen] = useState(false);
  const { a, b } = turn;
  return (
    <>
      <tr id={`turn-${index}`} data-operation={turn.operation} class={isFirst ? "divergence" : undefined}>
        <th scope="row" class="num muted">
          {number(index + 1)}
        </th>
        <Step step={a} other={t.diff.onlyB} />
        <Step step={b} other={t.diff.onlyA} />
        <td>
          {turn.operation === "equal" ? (
            <span class="muted">{t.diff.equal}</span>
          ) : (
            turn.differs.map((what) => (
              <span key={what} class="badge">
                {t.diff.what[what] ?? what}
              </span>
            ))
          )}
          {a && b && turn.operation === "changed" && (
            <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
              {t.diff.text}
            </button>
          )}
        </td>
        <td class="num">{turn.cost_delta == null ? NOTHING : money(turn.cost_delta)}</td>
        <td class="num">{turn.tokens_delta == null ? NOTHING : number(turn.tokens_delta)}</td>
        <td class="num nowrap">{turn.seconds_delta == null ? NOTHING : duration(turn.seconds_delta)}</td>
      </tr>
      {open && a && b && (
        <tr>
          <td colSpan={7}>
            <TextDiff a={a.request_id} b={b.request_id} />
          </td>
        </tr>
      )}
    </>
  );
}

function Turns({ diff }: { diff: SessionDiff }) {
  const first = diff.first_divergence;
  if (diff.turns.length === 0) return <p class="notice">{t.diff.noTurns}</p>;
  return (
    <section class="card flush">
      <p class="note row">
        <strong>
          {first
            ? t.diff.diverges(first.turn + 1, first.what.map((what) => t.diff.what[what] ?? what).join(", "))
            : t.diff.same}
        </strong>
        {first && (
          <button
            type="button"
            class="link"
            onClick={() => document.getElementById(`turn-${first.turn}`)?.scrollIntoView({ block: "center" })}
          >
            {t.diff.goTo}
          </button>
        )}
        {!diff.content_compared && <span class="muted">{t.diff.noContent}</span>}
        {!diff.complete && <span class="muted">{t.diff.partly}</span>}
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
                {t.diff.figures.duration}
              </th>
            </tr>
          </thead>
          <tbody>
            {diff.turns.map((turn, index) => (
              <TurnRow key={`turn-${index.toString()}`} turn={turn} index={index} isFirst={first?.turn === index} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

export function DiffPage() {
  const a = location.value.query.get("a") ?? "";
  const b = location.value.query.get("b") ?? "";
  const asked = useAnswer(a && b ? `diff ${a}\n${b}` : null, (signal) => ask(a, b, signal));
  return (
    <Layout title={t.pages.diff} windowed={false} aside={<AsOf times={[asked.asOf]} />}>
      <Choose key={`${a}\n${b}`} a={a} b={b} />
      {!(a && b) && <p class="empty">{t.diff.choose}</p>}
      <Shown asked={asked} rows={10}>
        {(diff) => (
          <>
            <section class="card">
              <Totals diff={diff} />
            </section>
            <Turns diff={diff} />
          </>
        )}
      </Shown>
    </Layout>
  );
}
