import { expect, test } from "vitest";
import { alignedRows } from "../../src/aligned";

/** A turn for each letter: `=` is equal, `?` as far as its text is known. */
const turns = (text: string) =>
  [...text].map((letter) => ({ differences: "=?".includes(letter) ? [] : [letter], content_compared: letter !== "?" }));
const shown = (text: string, open: number[] = []) =>
  alignedRows(turns(text), new Set(open)).map((row) => ("turn" in row ? row.turn : `${row.from}-${row.to}`));

test("long runs of equal turns are folded, and one stays beside what differs", () => {
  expect(shown("x======x")).toEqual([0, 1, "2-6", 6, 7]);
  expect(shown("x=====x")).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(shown("========")).toEqual(["0-8"]);
  expect(shown("=====x=====")).toEqual(["0-4", 4, 5, 6, "7-11"]);
  expect(shown("xx")).toEqual([0, 1]);
  expect(shown("????????")).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(shown("")).toEqual([]);
});

test("a fold that is opened shows its turns, and no other does", () => {
  expect(shown("=====x=====", [0])).toEqual([0, 1, 2, 3, 4, 5, 6, "7-11"]);
  // Whatever is folded, each turn is there once and in order.
  for (const open of [[], [0], [7], [0, 7]]) {
    const rows = alignedRows(turns("=====x====="), new Set(open));
    const all = rows.flatMap((row) =>
      "turn" in row ? [row.turn] : Array.from({ length: row.to - row.from }, (_, index) => row.from + index),
    );
    expect(all).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }
});
