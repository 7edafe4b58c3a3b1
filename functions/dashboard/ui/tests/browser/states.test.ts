// States that a page is seldom in: it says so, and comes out of them by itself.

import { expect, inject, test } from "vitest";
import { ask, useBrowser, Visitor } from "./page";
import { addRequest, fillIndex } from "./stage";

useBrowser();

test("an index that is being filled is told, and noticed when it takes over", async () => {
  const { address, database } = inject("filling");
  const visitor = await Visitor.of(address);
  const page = await visitor.go("/quality?range=30d");
  const index = page.locator(".finding", { hasText: "Where answers come from" });
  await index.getByText("is being filled").waitFor();
  expect(await index.getAttribute("data-state")).toBe("bad");
  const { service } = await ask<{ service: { source: string } }>(address, "/api/v1/me");
  expect(service.source).toBe("log");
  // While it is filled, the log answers all else.
  await visitor.go("/sessions?range=30d");
  const first = await page.locator("tbody tr").first().locator("a").textContent();
  await visitor.go("/quality?range=30d");
  await index.getByText("is being filled").waitFor();
  fillIndex(database);
  await index.getByText("up to date").waitFor({ timeout: 30_000 });
  expect(await index.getAttribute("data-state")).toBe("good");
  await visitor.go("/sessions?range=30d");
  expect(await page.locator("tbody tr").first().locator("a").textContent()).toBe(first);
  await visitor.close();
});

test("a database that is away is told by the page of the index, and looked at again", async () => {
  const visitor = await Visitor.of(inject("open"));
  let isAway = true;
  await visitor.page.route("**/health", (route) =>
    isAway
      ? route.fulfill({
          status: 503,
          json: { status: "unhealthy", database: "unavailable", error: "LiteLLM's database cannot be read" },
        })
      : route.continue(),
  );
  const page = await visitor.go("/quality?range=today");
  await page.getByText("LiteLLM's database cannot be read").waitFor();
  isAway = false;
  await page.getByText("LiteLLM's database cannot be read").waitFor({ state: "detached", timeout: 30_000 });
  await visitor.close();
});

test("new requests come by themselves, but not while the reader is further down", async () => {
  const database = inject("database");
  const visitor = await Visitor.of(inject("open"));
  const page = await visitor.go("/requests?range=today");
  const row = (id: string) => page.locator(`tr[data-request="${id}"]`);
  await visitor.settled();
  await page.keyboard.press("j");
  const chosen = await page.locator("tr.current").getAttribute("data-request");
  addRequest(database, "live-1");
  await row("live-1").waitFor({ timeout: 20_000 });
  // A look that finds nothing new is an answer without a body.
  const client = await visitor.context.newCDPSession(page);
  await client.send("Network.enable");
  const looks = new Set<string>();
  client.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (new URL(request.url).searchParams.has("since")) looks.add(requestId);
  });
  await new Promise<void>((done) =>
    client.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
      if (looks.has(requestId) && statusCode === 304) done();
    }),
  );
  await client.detach();
  // The row under the keys is still the same one, which is now the second.
  expect(await page.locator("tr.current").getAttribute("data-request")).toBe(chosen);
  await page.evaluate(() => window.scrollTo(0, 600));
  await page.getByText("Paused while you scroll").waitFor();
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/requests")) asked += 1;
  });
  addRequest(database, "live-2");
  // Longer than from one look to the next.
  await page.waitForTimeout(6_500);
  expect(asked).toBe(0);
  expect(await row("live-2").count()).toBe(0);
  expect(await page.evaluate(() => window.scrollY)).toBe(600);
  await page.getByRole("button", { name: "Back to the newest" }).click();
  await row("live-2").waitFor({ timeout: 20_000 });
  expect(await page.locator("tbody tr").first().getAttribute("data-request")).toBe("live-2");
  expect(await page.getByText("Paused while you scroll").count()).toBe(0);
  await visitor.close();
});
