import { expect, test } from "vitest";
import { diffText, type Piece } from "../../src/diff";

const without = (pieces: Piece[], kind: Piece["kind"]) =>
  pieces
    .filter((piece) => piece.kind !== kind)
    .map((piece) => piece.text)
    .join("");

test("a difference has both texts in it, whatever they are", () => {
  const texts = [
    "",
    "a",
    "a\nb\nc\n",
    "a\nB\nc",
    "the order 12 is late",
    "the order 13 is very late",
    "über\n\n\nñ 😀 x",
    "x".repeat(5_000),
    "y ".repeat(4_000),
  ];
  for (const a of texts) {
    for (const b of texts) {
      const pieces = diffText(a, b);
      expect(without(pieces, "only_b")).toBe(a);
      expect(without(pieces, "only_a")).toBe(b);
    }
  }
});

test("only what differs is marked", () => {
  expect(diffText("one\nthe order 12 is late\nlast", "one\nthe order 13 is late\nlast")).toEqual([
    { kind: "same", text: "one\nthe order " },
    { kind: "only_a", text: "12" },
    { kind: "only_b", text: "13" },
    { kind: "same", text: " is late\nlast" },
  ]);
  expect(diffText("same", "same")).toEqual([{ kind: "same", text: "same" }]);
});
