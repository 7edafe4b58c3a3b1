// An issuer of tokens: authorization code with PKCE, as a company's login has it, for one user.

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

export class Issuer {
  address = "";
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #codes = new Map<string, { challenge: string; redirect: string }>();
  /** Refresh tokens, each good for one time. */
  readonly #refresh = new Set<string>();
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    await new Promise<void>((done) => issuer.#server.listen(0, "127.0.0.1", done));
    issuer.address = `http://127.0.0.1:${(issuer.#server.address() as AddressInfo).port}`;
    return issuer;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(() => done()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.address);
    const json = (status: number, value: object) =>
      response
        .writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" })
        .end(JSON.stringify(value));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return void json(200, {
          issuer: this.address,
          authorization_endpoint: `${this.address}/authorize`,
          token_endpoint: `${this.address}/token`,
          revocation_endpoint: `${this.address}/revoke`,
          jwks_uri: `${this.address}/keys`,
        });
      case "/keys":
        return void json(200, {
          keys: [{ ...this.#keys.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" }],
        });
      case "/authorize":
        return this.#authorize(url.searchParams, response);
      case "/token":
        return void json(...this.#token(await bodyOf(request)));
      case "/revoke":
        this.#refresh.delete((await bodyOf(request)).get("token") ?? "");
        return void json(200, {});
      default:
        return void json(404, {});
    }
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const redirect = new URL(query.get("redirect_uri") ?? "");
    if (query.get("code_challenge_method") !== "S256" || query.get("client_id") !== "dashboard") {
      redirect.searchParams.set("error", "invalid_request");
    } else {
      const code = randomUUID();
      this.#codes.set(code, {
        challenge: query.get("code_challenge") ?? "",
        redirect: query.get("redirect_uri") ?? "",
      });
      redirect.searchParams.set("code", code);
    }
    redirect.searchParams.set("state", query.get("state") ?? "");
    response.writeHead(302, { location: redirect.href }).end();
  }

  #token(form: URLSearchParams): [number, object] {
    const isKnown = form.get("grant_type") === "refresh_token" ? this.#takeRefresh(form) : this.#takeCode(form);
    if (!isKnown || form.get("client_id") !== "dashboard") return [400, { error: "invalid_grant" }];
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.address,
      aud: "llm-traceability",
      sub: "alice",
      jti: randomUUID(),
      iat: now,
      exp: now + 600,
    };
    const signed = `${encode({ alg: "RS256", typ: "JWT", kid: "one" })}.${encode(claims)}`;
    const signature = createSign("RSA-SHA256").update(signed).sign(this.#keys.privateKey, "base64url");
    const next = randomUUID();
    this.#refresh.add(next);
    return [
      200,
      { access_token: `${signed}.${signature}`, refresh_token: next, token_type: "Bearer", expires_in: 600 },
    ];
  }

  #takeRefresh(form: URLSearchParams): boolean {
    return this.#refresh.delete(form.get("refresh_token") ?? "");
  }

  #takeCode(form: URLSearchParams): boolean {
    const code = form.get("code") ?? "";
    const pending = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    return pending?.challenge === challenge && pending.redirect === form.get("redirect_uri");
  }
}
