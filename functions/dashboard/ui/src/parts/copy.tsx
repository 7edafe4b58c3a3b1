import { useState } from "preact/hooks";
import { t } from "../text";

/** Copies a text that is made when it is asked for. */
export function Copy({ text, label = t.message.copy }: { text: () => string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  return (
    <>
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          const done = (what: string) => {
            setSaid(what);
            setTimeout(() => setSaid(null), 1_500);
          };
          // Only secure pages have a clipboard.
          if (!navigator.clipboard) return done(t.message.copyFailed);
          navigator.clipboard.writeText(text()).then(
            () => done(t.message.copied),
            () => done(t.message.copyFailed),
          );
        }}
      >
        {said ?? label}
      </button>
      <span role="status" class="visually-hidden">
        {said}
      </span>
    </>
  );
}
