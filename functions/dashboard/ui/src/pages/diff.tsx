import { answer, client, pathOf } from "../api/client";
import { type Asked, useAnswer } from "../api/query";
import type { DiffSide, SessionDiff, Timeline } from "../api/shapes";
import { useSteps } from "../api/timeline";
import { duration, money, number, short, signed } from "../format";
import { AlignedTurns } from "../parts/aligned";
import { AsOf } from "../parts/asof";
import { Layout } from "../parts/layout";
import { Shown } from "../parts/states";
import { location, setQuery } from "../router";
import { visible } from "../safe";
import { sessionLink } from "../state";
import { t } from "../text";

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

const FIGURES: [keyof typeof t.diff.figures, (side: DiffSide) => number, (value: number) => string][] = [
  ["cost", (side) => side.cost, money],
  ["requests", (side) => side.requests, number],
  ["tokens", (side) => side.total_tokens, short],
  ["duration", (side) => side.wall_seconds, duration],
  ["seconds", (side) => side.response_seconds, duration],
];

interface TotalsProps {
  diff: SessionDiff;
  failures: { a: number | undefined; b: number | undefined };
}

function Row({ name, a, b, format }: { name: string; a: number; b: number; format: (value: number) => string }) {
  const delta = b - a;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="num">{format(a)}</td>
      <td class="num">{format(b)}</td>
      <td class="num">
        <b class={delta > 0 ? "delta up" : delta < 0 ? "delta down" : "delta"}>{signed(delta, format)}</b>
      </td>
    </tr>
  );
}

function Totals({ diff, failures: { a, b } }: TotalsProps) {
  return (
    <div class="scroll">
      <table class="list">
        <thead>
          <tr>
            <td />
            {(["a", "b"] as const).map((name) => (
              <th key={name} scope="col" class="num">
                {t.diff[name]}{" "}
                <a class="mono" href={sessionLink(diff[name].session_id)}>
                  <bdi>{visible(diff[name].session_id)}</bdi>
                </a>
              </th>
            ))}
            <th scope="col" class="num">
              {t.diff.delta}
            </th>
          </tr>
        </thead>
        <tbody>
          {FIGURES.map(([name, value, format]) => (
            <Row key={name} name={t.diff.figures[name]} a={value(diff.a)} b={value(diff.b)} format={format} />
          ))}
          {a !== undefined && b !== undefined && <Row name={t.diff.figures.failures} a={a} b={b} format={number} />}
        </tbody>
      </table>
    </div>
  );
}

const failuresOf = (steps: Asked<Timeline>): number | undefined => steps.data?.whole?.verdict.failures;

export function DiffPage() {
  const a = location.value.query.get("a") ?? "";
  const b = location.value.query.get("b") ?? "";
  const isPair = a !== "" && b !== "" && a !== b;
  const pair = isPair ? pathOf("diff", { a, b }) : null;
  const asked = useAnswer(pair, (signal) =>
    answer(client.GET("/api/v1/sessions/diff", { params: { query: { a, b } }, signal })),
  );
  // Which models, tools and costs the turns have: beside the comparison, which is there without them.
  const ofA = useSteps(asked.data ? a : null);
  const ofB = useSteps(asked.data ? b : null);
  return (
    <Layout title={t.pages.diff} windowed={false} aside={<AsOf times={[asked.asOf]} />}>
      <Choose key={`${a}\n${b}`} a={a} b={b} />
      {!isPair && <p class="empty">{a !== "" && a === b ? t.diff.itself : t.diff.choose}</p>}
      <Shown asked={asked} rows={10}>
        {(diff) => (
          <div class="stack">
            <section class="card">
              <Totals diff={diff} failures={{ a: failuresOf(ofA), b: failuresOf(ofB) }} />
            </section>
            <AlignedTurns key={pair} diff={diff} a={{ id: a, timeline: ofA.data }} b={{ id: b, timeline: ofB.data }} />
          </div>
        )}
      </Shown>
    </Layout>
  );
}
