// Asking the API: with the reader's key, as typed by its own document.

import createClient from "openapi-fetch";
import { credential, rejected } from "../login/credential";
import { renew } from "../login/oidc";
import { problemOf, unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

export interface Answer<T> {
  data: T;
  /** The instant that the answer is right as of. */
  asOf: string | null;
  /** Where the next page is; null on the last one. */
  next: string | null;
}

async function send(request: Request, key: string | null): Promise<Response> {
  if (key) request.headers.set("Authorization", `Bearer ${key}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
}

/** The key says who is asking. A cookie is only ever that of the local runner, which opens it to whoever started it. */
async function withKey(request: Request): Promise<Response> {
  const key = credential.value;
  const again = request.clone();
  const response = await send(request, key);
  if (response.status !== 401) return response;
  const isRenewed =
    key !== null &&
    (await renew(key).catch(() => {
      throw unreachable();
    }));
  if (!isRenewed) {
    rejected(key);
    return response;
  }
  const second = await send(again, credential.value);
  if (second.status === 401) rejected(credential.value);
  return second;
}

// Several values of a parameter go into one, with commas, as the document has it.
export const client = createClient<paths>({
  baseUrl: "/",
  credentials: "same-origin",
  fetch: withKey,
  querySerializer: { array: { style: "form", explode: false } },
});

function nextOf(headers: Headers): string | null {
  const found = /<([^>]*)>\s*;\s*rel="?next"?/.exec(headers.get("Link") ?? "");
  return found?.[1] ?? null;
}

/** The answer, or a thrown `ApiProblem`. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Answer<T>> {
  const { data, error, response } = await asked;
  if (!response.ok || data === undefined) throw problemOf(response.status, response.headers, error);
  return { data, asOf: response.headers.get("X-As-Of"), next: nextOf(response.headers) };
}

async function raw(path: string, signal?: AbortSignal): Promise<Response> {
  const request = new Request(path, { credentials: "same-origin", ...(signal ? { signal } : {}) });
  const response = await withKey(request);
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    throw problemOf(response.status, response.headers, body);
  }
  return response;
}

/** A page by the address that the page before gave. Only paths of this API are followed. */
export async function follow<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  if (!path.startsWith("/api/")) throw problemOf(400, new Headers(), null);
  const response = await raw(path, signal);
  const data = (await response.json()) as T;
  return { data, asOf: response.headers.get("X-As-Of"), next: nextOf(response.headers) };
}

/** Asks with a key that is not kept yet; throws the problem that the API has with it. */
export async function tryKey(key: string): Promise<void> {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await fetch("/api/v1/requests?limit=1", { headers, credentials: "same-origin" }).catch(() => null);
  if (!response) throw unreachable();
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    throw problemOf(response.status, response.headers, body);
  }
}

/** A file, to be saved. */
export async function download(path: string, name: string): Promise<void> {
  const blob = await (await raw(path)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A path of the API with a query, of what is set. */
export function pathOf(
  path: string,
  query: Record<string, string | string[] | number | boolean | null | undefined>,
): string {
  const set = Object.entries(query).filter(([, value]) => value != null && value !== "");
  const text = new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}
