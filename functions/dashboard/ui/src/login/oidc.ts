// OIDC by authorization code and PKCE (RFC 7636), for a public client.

import { BASE, href } from "../router";
import { t } from "../text";
import { config, loadConfig, type OidcConfig } from "./config";
import { credential, keepKey, refreshToken, renewKey } from "./credential";

const PENDING = "llm-traceability.oidc";

interface Discovery {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  revocation_endpoint?: string;
}

interface Pending {
  state: string;
  verifier: string;
  /** Where the reader was going. */
  to: string;
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The challenge of a verifier, by S256. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

async function discover(oidc: OidcConfig): Promise<Discovery> {
  const address = `${oidc.issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(address, { credentials: "omit" });
  if (!response.ok) throw new Error(t.login.oidc.noConfiguration);
  const found = (await response.json()) as Partial<Discovery>;
  if (found.issuer !== oidc.issuer || !found.authorization_endpoint || !found.token_endpoint)
    throw new Error(t.login.oidc.otherIssuer);
  return found as Discovery;
}

const redirectUri = (): string => `${window.location.origin}${BASE}/login`;

const post = (address: string, form: Record<string, string>): Promise<Response> =>
  fetch(address, { method: "POST", credentials: "omit", body: new URLSearchParams(form) });

interface Tokens {
  access_token?: string;
  id_token?: string;
  refresh_token?: string;
}

async function askForTokens(oidc: OidcConfig, form: Record<string, string>): Promise<{ ok: boolean; tokens: Tokens }> {
  const { token_endpoint } = await discover(oidc);
  const response = await post(token_endpoint, { ...form, client_id: oidc.client_id });
  // What is not for the login itself, such as too many requests, says nothing about the tokens.
  if (response.status === 429 || response.status >= 500) throw new Error(t.login.oidc.noConfiguration);
  return { ok: response.ok, tokens: (await response.json().catch(() => ({}))) as Tokens };
}

/** Leaves for the issuer's login. */
export async function leave(to: string): Promise<void> {
  const oidc = config.value.oidc;
  if (!oidc) return;
  const { authorization_endpoint } = await discover(oidc);
  const pending: Pending = { state: random(), verifier: random(), to };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const address = new URL(authorization_endpoint);
  const query: Record<string, string> = {
    response_type: "code",
    client_id: oidc.client_id,
    redirect_uri: redirectUri(),
    scope: oidc.scope,
    state: pending.state,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  };
  if (oidc.audience) query.audience = oidc.audience;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  window.location.assign(address.href);
}

/** Comes back from the issuer with a code. Returns where the reader was going; null if this address is no way back. */
export async function comeBack(query: URLSearchParams): Promise<string | null> {
  await loadConfig();
  const oidc = config.value.oidc;
  const code = query.get("code");
  const failed = query.get("error");
  if (!oidc || !(code || failed)) return null;
  const stored = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  const pending = stored ? (JSON.parse(stored) as Pending) : null;
  if (!pending || pending.state !== query.get("state")) throw new Error(t.login.oidc.otherState);
  if (failed || !code) throw new Error(t.login.oidc.refused(query.get("error_description") ?? failed ?? ""));
  const { ok, tokens } = await askForTokens(oidc, {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri(),
    code_verifier: pending.verifier,
  });
  const token = tokens[oidc.token];
  if (!ok || !token) throw new Error(t.login.oidc.noToken);
  keepKey(token, tokens.refresh_token ?? null);
  return pending.to.startsWith(BASE) ? pending.to : href("/");
}

async function refreshKey(key: string, refresh: string): Promise<boolean> {
  await loadConfig();
  const oidc = config.value.oidc;
  if (!oidc) return false;
  const { ok, tokens } = await askForTokens(oidc, { grant_type: "refresh_token", refresh_token: refresh });
  // The reader has logged out, or in as somebody else.
  if (credential.value !== key) return false;
  const token = tokens[oidc.token];
  if (!ok || !token) return false;
  // Many issuers give a refresh token that is good for one time, and with the new token the next one.
  renewKey(token, tokens.refresh_token ?? refresh);
  return true;
}

let refreshing: { key: string; done: Promise<boolean> } | undefined;

/**
 * Gets another token for one that the API no longer takes, once for all questions that wait for it. Returns whether there
 * is one; throws where the issuer cannot be reached.
 */
export function renew(key: string): Promise<boolean> {
  if (refreshing?.key === key) return refreshing.done;
  const refresh = refreshToken();
  if (credential.value !== key || !refresh)
    return Promise.resolve(credential.value !== null && credential.value !== key);
  const done = refreshKey(key, refresh);
  refreshing = { key, done };
  // After a failure it is tried again.
  done.catch(() => {
    refreshing = undefined;
  });
  return done;
}

/** Tells the issuer that nobody will use the refresh token any more. That it cannot be told keeps nobody logged in here. */
export async function revoke(): Promise<void> {
  const token = refreshToken();
  const oidc = config.value.oidc;
  if (!token || !oidc) return;
  const { revocation_endpoint } = await discover(oidc);
  if (revocation_endpoint) await post(revocation_endpoint, { token, client_id: oidc.client_id });
}
