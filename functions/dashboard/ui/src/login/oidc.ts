// OIDC by authorization code and PKCE (RFC 7636), for a public client.

import { BASE, href } from "../router";
import { t } from "../text";
import { config, loadConfig, type OidcConfig } from "./config";
import { keepKey } from "./credential";

const PENDING = "llm-traceability.oidc";

interface Discovery {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
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
  const { token_endpoint } = await discover(oidc);
  const response = await fetch(token_endpoint, {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri(),
      client_id: oidc.client_id,
      code_verifier: pending.verifier,
    }).toString(),
  });
  const tokens = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const token = tokens[oidc.token];
  if (!response.ok || typeof token !== "string") throw new Error(t.login.oidc.noToken);
  keepKey(token);
  return pending.to.startsWith(BASE) ? pending.to : href("/");
}
