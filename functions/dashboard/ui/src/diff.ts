// The difference of two texts, by lines and then by words, with an end to its patience.

import { diffArrays } from "diff";

export interface Piece {
  kind: "same" | "only_a" | "only_b";
  text: string;
}

/** Beyond so many edits two texts are shown as wholly different. */
const PATIENCE = 400;

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
function edit(a: string[], b: string[]): Piece[] | null {
  const changes = diffArrays(a, b, { maxEditLength: PATIENCE });
  if (!changes) return null;
  return join(
    changes.map((one) => ({ kind: one.removed ? "only_a" : one.added ? "only_b" : "same", text: one.value.join("") })),
  );
}

const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const words = (text: string): string[] => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

/** The pieces of two texts in order. All of `same` and `only_a` is `a`; all of `same` and `only_b` is `b`. */
export function diffText(a: string, b: string): Piece[] {
  const whole = join([
    { kind: "only_a", text: a },
    { kind: "only_b", text: b },
  ]);
  const pieces = edit(lines(a), lines(b)) ?? whole;
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
