// The reader's key. It lives in this tab: in memory and sessionStorage, never in a cookie, an address or localStorage.

import { signal } from "@preact/signals";

const KEY = "llm-traceability.key";
const REFRESH = "llm-traceability.refresh";

function stored(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function store(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    // Without storage the login lives as long as the page.
  }
}

export const credential = signal<string | null>(stored(KEY));
let refresh = stored(REFRESH);

/** What the issuer takes for a new token; null where it gave nothing of the kind. */
export const refreshToken = (): string | null => refresh;

/** Counts logins and log-outs: answers of one are never shown in another. */
export const epoch = signal(0);
/** Why the reader has to log in: `asked` at first, `expired` where a key was taken until now. */
export const needed = signal<"no" | "asked" | "expired">("no");

/** Another token of the same login: what is on the page stays. */
export function renewKey(key: string | null, next: string | null): void {
  credential.value = key;
  store(KEY, key);
  refresh = next;
  store(REFRESH, next);
}

/** Keeps a key, for this tab, and the refresh token of a login that has one. */
export function keepKey(key: string, next: string | null = null): void {
  renewKey(key, next);
  epoch.value += 1;
  needed.value = "no";
}

/** Forgets the key. */
export function forgetKey(): void {
  renewKey(null, null);
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
