// The keyboard: one listener, and what the page on show has put under its keys.

import { useEffect, useRef } from "preact/hooks";

export interface Key {
  /** As `KeyboardEvent.key` has it. */
  key: string;
  /** What it does, for the help. */
  does: string;
  run: () => void;
}

const layers: { keys: Key[] }[] = [];

/** All keys that do something now, those of the page first. */
export const activeKeys = (): Key[] => layers.flatMap((layer) => layer.keys).reverse();

const TYPED_INTO = "input, textarea, select, [contenteditable]";

if (typeof document !== "undefined") {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as Element | null;
    if (target?.closest(TYPED_INTO)) return;
    if (event.key === "Enter" && target?.closest("a, button, summary")) return;
    for (const layer of [...layers].reverse()) {
      const found = layer.keys.find((entry) => entry.key === event.key);
      if (found) {
        event.preventDefault();
        found.run();
        return;
      }
    }
  });
}

/** Puts functions under keys as long as the component is there. */
export function useKeys(keys: Key[]): void {
  const layer = useRef({ keys });
  layer.current.keys = keys;
  useEffect(() => {
    const mine = layer.current;
    layers.push(mine);
    return () => {
      layers.splice(layers.indexOf(mine), 1);
    };
  }, []);
}
