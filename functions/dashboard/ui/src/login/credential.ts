// The reader's key. It lives in this tab: in memory and sessionStorage, never in a cookie, an address or localStorage.

import { signal } from "@preact/signals";

const NAME = "llm-traceability.key";

function stored(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export const credential = signal<string | null>(stored());
/** Counts logins and log-outs: answers of one are never shown in another. */
export const epoch = signal(0);
/** Why the reader has to log in: `asked` at first, `expired` where a key was taken until now. */
export const needed = signal<"no" | "asked" | "expired">("no");

/** Keeps a key, for this tab. */
export function keepKey(key: string): void {
  credential.value = key;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // Without storage the key lives as long as the page.
  }
  epoch.value += 1;
  needed.value = "no";
}

/** Forgets the key. */
export function forgetKey(): void {
  credential.value = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was stored.
  }
  epoch.value += 1;
}

/** The API did not take this key. */
export function rejected(key: string | null): void {
  if (key !== credential.value) return;
  if (key) {
    forgetKey();
    needed.value = "expired";
  } else if (needed.value === "no") {
    needed.value = "asked";
  }
}
