// The address is the state: a view is saved and shared by it.

import { signal } from "@preact/signals";

export const BASE = "/dashboard";

interface Location {
  /** Below /dashboard: `/sessions/…`, percent-encoded as it stands in the address. */
  path: string;
  query: URLSearchParams;
}

function read(): Location {
  const { pathname, search } = window.location;
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : "/";
  return { path: path === "" ? "/" : path.replace(/(.)\/+$/, "$1"), query: new URLSearchParams(search) };
}

export const location = signal<Location>(
  typeof window === "undefined" ? { path: "/", query: new URLSearchParams() } : read(),
);

if (typeof window !== "undefined") {
  window.addEventListener("popstate", () => {
    location.value = read();
  });
}

/** The address of a page, with the parameters that are set. */
export function href(path: string, query: URLSearchParams | Record<string, string | null | undefined> = {}): string {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = entries.filter((entry): entry is [string, string] => entry[1] != null && entry[1] !== "");
  const text = new URLSearchParams(kept).toString();
  return `${BASE}${path === "/" ? "" : path}${text ? `?${text}` : ""}`;
}

/** Goes to an address of the dashboard as a step that one can go back from. */
export function navigate(to: string): void {
  if (to !== window.location.pathname + window.location.search) history.pushState(null, "", to);
  location.value = read();
  window.scrollTo(0, 0);
}

/** Changes parameters of this view's address; null takes one away. */
export function setQuery(changes: Record<string, string | null>, step: "push" | "replace" = "push"): void {
  const query = new URLSearchParams(location.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value == null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const to = href(location.value.path, query);
  if (step === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  location.value = read();
}

/** Makes links within the dashboard steps of this page, not loads of another one. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}

/** The parts of a path, decoded. A part that is no valid percent-encoding stays as it is. */
export function segments(path: string): string[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
