// The rows of a comparison: its turns, where those in a row that are equal are folded.

/** A turn, or the equal ones of a run that is folded: from one up to before another. */
export type AlignedRow = { turn: number } | { from: number; to: number };

/** As many equal turns in a row are folded; fewer take no more room than the line that stands for them. */
const FOLDED = 4;
/** How many of them stay beside a turn that differs. */
const CONTEXT = 1;

/** The rows of turns, with the runs that begin at `open` unfolded. */
export function alignedRows(
  turns: readonly { differences: readonly unknown[] }[],
  open: ReadonlySet<number>,
): AlignedRow[] {
  const rows: AlignedRow[] = [];
  const isEqual = (turn: number) => turns[turn]?.differences.length === 0;
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
