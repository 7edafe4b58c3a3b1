// Rows of the comparison table: turns, with runs of equal turns folded.

/** A turn, or a folded run of equal turns, `from` inclusive to `to` exclusive. */
export type AlignedRow = { turn: number } | { from: number; to: number };

/** The shortest run of equal turns that is folded. */
const FOLDED = 4;
/** Equal turns that stay visible beside a turn that differs. */
const CONTEXT = 1;

/** The rows of these turns. Runs whose `from` is in `open` are not folded. */
export function alignedRows(
  turns: readonly { differences: readonly unknown[]; content_compared: boolean }[],
  open: ReadonlySet<number>,
): AlignedRow[] {
  const rows: AlignedRow[] = [];
  const isEqual = (turn: number) => turns[turn]?.content_compared && turns[turn].differences.length === 0;
  for (let turn = 0; turn < turns.length; ) {
    let end = turn;
    while (isEqual(end)) end += 1;
    const from = turn === 0 ? 0 : turn + CONTEXT;
    const to = end === turns.length ? end : end - CONTEXT;
    const isFolded = to - from >= FOLDED && !open.has(from);
    for (; turn < end; turn++) {
      if (isFolded && turn === from) rows.push({ from, to });
      if (!isFolded || turn < from || turn >= to) rows.push({ turn });
    }
    if (turn < turns.length) rows.push({ turn });
    turn += 1;
  }
  return rows;
}
