// States that a page is seldom in: it says so, and comes out of them by itself.

import { expect, inject, test } from "vitest";
import { ask, useBrowser, Visitor } from "./page";
import { fillIndex } from "./stage";

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
