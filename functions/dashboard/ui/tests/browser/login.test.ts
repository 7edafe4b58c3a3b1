// Who may see what: log-in by key and by the company's login, another reader's view of an address, expiry.

import { expect, inject, test } from "vitest";
import { ask, useBrowser, Visitor } from "./page";
import { KEYS } from "./stage";

useBrowser();
const base = inject("guarded");

test("a key opens the page it was asked for, and is forgotten at log-out", async () => {
  const visitor = await Visitor.of(base);
  const page = await visitor.go("/sessions?range=today&sort=cost");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  const field = page.getByLabel("LiteLLM key or service key");
  await field.fill("sk-wrong");
  await field.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").textContent()).toContain("not valid");
  await field.fill(KEYS.all);
  await field.press("Enter");
  await page.locator("tbody tr").first().waitFor();
  expect(page.url()).toContain("sort=cost");
  const stored = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage), location.href]);
  expect(stored.join(" ")).not.toContain(KEYS.all);
  await page.reload();
  await page.locator("tbody tr").first().waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(KEYS.all);
  await visitor.close();
});

test("an address shows each reader what their own key may see", async () => {
  const address = "?range=today";
  const values = [];
  for (const key of [KEYS.all, KEYS.support]) {
    const visitor = await Visitor.of(base, { key });
    const page = await visitor.go(address);
    await visitor.settled();
    values.push(await page.locator(".tile-value").nth(1).textContent());
    const teams = await page.getByRole("list", { name: "Teams" }).locator("bdi").allTextContents();
    if (key === KEYS.support) expect(teams).toEqual(["Support"]);
    await visitor.close();
  }
  expect(values[0]).not.toBe(values[1]);
});

test("a key without the right to content is told so where it matters", async () => {
  const visitor = await Visitor.of(base, { key: KEYS.words });
  const page = await visitor.go("/sessions/run-a");
  await page.locator(".verdict").waitFor();
  await page.getByText("may not read").first().waitFor();
  await visitor.close();
});

test("a login that expires in the middle leads back to where one was", async () => {
  const visitor = await Visitor.of(base, { key: KEYS.all });
  const page = await visitor.go("/costs?by=agent");
  await visitor.settled();
  await page.route("**/api/**", (route) =>
    route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }),
  );
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByText("Your login has expired").waitFor();
  await page.unroute("**/api/**");
  await page.getByLabel("LiteLLM key or service key").fill(KEYS.all);
  await page.keyboard.press("Enter");
  await page.locator(".pivot").waitFor();
  expect(page.url()).toContain("by=agent");
  await visitor.close();
});

test("the company's login opens the page, by a code and PKCE", async () => {
  const visitor = await Visitor.of(base);
  const page = await visitor.go("/requests?range=30d");
  await page.getByRole("button", { name: "company account" }).click();
  await page.locator("tbody tr").first().waitFor();
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe("/dashboard/requests?range=30d");
  const rows = await ask<unknown[]>(base, "/api/v1/requests?user_id=alice&limit=1", KEYS.all);
  expect(rows).toHaveLength(1);
  expect(new Set(await page.locator("tbody tr td:nth-child(5)").allTextContents())).toEqual(new Set(["alice"]));
  await visitor.close();
});

/** Logs in by the issuer, on the way to a page of costs. Returns the tokens that the tab has then. */
async function logInByIssuer(visitor: Visitor): Promise<{ key: string; refresh: string }> {
  const page = await visitor.go("/costs?by=agent");
  await page.getByRole("button", { name: "company account" }).click();
  await page.locator(".pivot").waitFor();
  await visitor.settled();
  return page.evaluate(() => ({
    key: sessionStorage.getItem("llm-traceability.key") ?? "",
    refresh: sessionStorage.getItem("llm-traceability.refresh") ?? "",
  }));
}

/** From now on the API takes this token no more. */
const expire = (visitor: Visitor, token: string) =>
  visitor.page.route("**/api/**", (route) =>
    route.request().headers().authorization === `Bearer ${token}`
      ? route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" })
      : route.continue(),
  );

async function issuerOf(): Promise<string> {
  return (await ask<{ oidc: { issuer: string } }>(base, "/dashboard/config.json")).oidc.issuer;
}

test("a token that expires is renewed once for all questions of a page", async () => {
  const visitor = await Visitor.of(base);
  const { page } = visitor;
  const first = await logInByIssuer(visitor);
  await expire(visitor, first.key);
  const renewals: string[] = [];
  page.on("request", (request) => {
    if (request.postData()?.includes("grant_type=refresh_token")) renewals.push(request.url());
  });
  await page.goto(`${base}/dashboard/calls?range=today`);
  await page.locator("table").first().waitFor();
  await visitor.settled();
  expect(renewals).toHaveLength(1);
  expect(await page.getByRole("heading", { name: "Log in" }).count()).toBe(0);
  // The next time, too: the issuer's refresh tokens are good for one time.
  const second = await page.evaluate(() => sessionStorage.getItem("llm-traceability.key") ?? "");
  expect(second).not.toBe(first.key);
  await expire(visitor, second);
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.waitForFunction((key) => sessionStorage.getItem("llm-traceability.key") !== key, second);
  await visitor.settled();
  expect(renewals).toHaveLength(2);
  // Who logs out is logged out at the issuer, too.
  const last = await page.evaluate(() => sessionStorage.getItem("llm-traceability.refresh") ?? "");
  await Promise.all([
    page.waitForResponse((response) => response.url().endsWith("/revoke")),
    page.getByRole("button", { name: "Log out" }).click(),
  ]);
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(last);
  const form = { grant_type: "refresh_token", refresh_token: last, client_id: "dashboard" };
  const refused = await fetch(`${await issuerOf()}/token`, { method: "POST", body: new URLSearchParams(form) });
  expect(refused.status).toBe(400);
  await visitor.close();
});

test("a login that cannot be renewed leads back, by the issuer, to where one was", async () => {
  const visitor = await Visitor.of(base);
  const { page } = visitor;
  const { key, refresh } = await logInByIssuer(visitor);
  await fetch(`${await issuerOf()}/revoke`, { method: "POST", body: new URLSearchParams({ token: refresh }) });
  await expire(visitor, key);
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByText("Your login has expired").waitFor();
  await page.getByRole("button", { name: "company account" }).click();
  await page.locator(".pivot").waitFor();
  expect(page.url()).toContain("/costs?by=agent");
  await visitor.close();
});

test("an issuer that is away for a moment logs nobody out", async () => {
  const visitor = await Visitor.of(base);
  const { page } = visitor;
  const { key } = await logInByIssuer(visitor);
  await expire(visitor, key);
  await page.route(`${await issuerOf()}/**`, (route) => route.abort());
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.locator('[data-kind="away"]').first().waitFor();
  await page.unroute(`${await issuerOf()}/**`);
  await page.getByRole("button", { name: "Try again" }).first().click();
  await page.locator(".pivot").waitFor();
  expect(await page.getByRole("heading", { name: "Log in" }).count()).toBe(0);
  await visitor.close();
});

test("a code of a login that this tab did not start is refused", async () => {
  const visitor = await Visitor.of(base);
  const page = await visitor.go("/login?code=stolen&state=forged");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").textContent()).toContain("another tab");
  expect(page.url()).not.toContain("stolen");
  await visitor.close();
});
