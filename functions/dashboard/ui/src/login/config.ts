// What the service says about itself to a page without a key: /dashboard/config.json.

import { signal } from "@preact/signals";

export interface OidcConfig {
  issuer: string;
  client_id: string;
  scope: string;
  /** Which token of the issuer the API takes. */
  token: "access_token" | "id_token";
  /** For issuers that want to be told whom the token is for. */
  audience: string | null;
}

export interface Config {
  /** Ways to prove who one is: `litellm`, `keys`, `jwt`; `none` where nobody is asked. */
  login: string[];
  oidc: OidcConfig | null;
}

export const config = signal<Config>({ login: [], oidc: null });

let loading: Promise<void> | undefined;

async function load(): Promise<void> {
  const response = await fetch("/dashboard/config.json", { credentials: "same-origin" });
  if (!response.ok) return;
  const found = (await response.json()) as Partial<Config>;
  config.value = { login: found.login ?? [], oidc: found.oidc ?? null };
}

/** Loads the settings, once. Without them the page works by key alone. */
export function loadConfig(): Promise<void> {
  loading ??= load().catch(() => {});
  return loading;
}
