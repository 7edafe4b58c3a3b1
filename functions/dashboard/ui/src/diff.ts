// The difference of two texts, by lines and then by words: Myers' algorithm, with an end to its patience.

export interface Piece {
  kind: "same" | "only_a" | "only_b";
  text: string;
}

/** Beyond so many differing parts two texts are shown as wholly different. */
const PATIENCE = 1_000;

function join(pieces: Piece[]): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined[joined.length - 1];
    if (last?.kind === piece.kind) last.text += piece.text;
    else if (piece.text !== "") joined.push({ ...piece });
  }
  return joined;
}

/** The shortest edit of one list into another; null where it takes too long to find. */
function edit(a: readonly string[], b: readonly string[]): Piece[] | null {
  const most = Math.min(a.length + b.length, PATIENCE);
  const trace: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let distance = 0; distance <= most; distance++) {
    trace.push(new Map(reached));
    const next = new Map(reached);
    for (let diagonal = -distance; diagonal <= distance; diagonal += 2) {
      const down =
        diagonal === -distance ||
        (diagonal !== distance && (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1));
      let x = down ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1;
      let y = x - diagonal;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      next.set(diagonal, x);
      if (x >= a.length && y >= b.length) return walkBack(a, b, trace, distance);
    }
    reached = next;
  }
  return null;
}

function walkBack(a: readonly string[], b: readonly string[], trace: Map<number, number>[], distance: number): Piece[] {
  const pieces: Piece[] = [];
  let x = a.length;
  let y = b.length;
  for (let step = distance; step >= 0; step--) {
    const reached = trace[step] ?? new Map<number, number>();
    const diagonal = x - y;
    const down =
      diagonal === -step ||
      (diagonal !== step && (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1));
    const before = down ? diagonal + 1 : diagonal - 1;
    const fromX = step === 0 ? 0 : (reached.get(before) ?? 0);
    const fromY = step === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      pieces.push({ kind: "same", text: a[x] ?? "" });
    }
    if (step === 0) break;
    if (down) {
      y -= 1;
      pieces.push({ kind: "only_b", text: b[y] ?? "" });
    } else {
      x -= 1;
      pieces.push({ kind: "only_a", text: a[x] ?? "" });
    }
  }
  return pieces.reverse();
}

const words = (text: string): string[] => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

/** The pieces of two texts in order. All of `same` and `only_a` is `a`; all of `same` and `only_b` is `b`. */
export function diffText(a: string, b: string): Piece[] {
  if (a === b) return a === "" ? [] : [{ kind: "same", text: a }];
  const whole: Piece[] = join([
    { kind: "only_a", text: a },
    { kind: "only_b", text: b },
  ]);
  const lines = (text: string) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const byLine = edit(lines(a), lines(b));
  if (!byLine) return whole;
  const pieces = join(byLine);
  // A changed stretch is looked at word by word.
  const fine: Piece[] = [];
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index];
    const next = pieces[index + 1];
    if (!piece) continue;
    if (next && piece.kind === "only_a" && next.kind === "only_b") {
      fine.push(...(edit(words(piece.text), words(next.text)) ?? [piece, next]));
      index += 1;
    } else {
      fine.push(piece);
    }
  }
  return join(fine);
}
