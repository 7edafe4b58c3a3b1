// The pictures of the documentation: `make screenshots`.

import { fileURLToPath } from "node:url";
import { inject, test } from "vitest";
import { useBrowser, Visitor } from "./page";

useBrowser();
const base = inject("open");
const picture = (name: string) => fileURLToPath(new URL(`../../../pictures/${name}.png`, import.meta.url));

test("pictures", async () => {
  const visitor = await Visitor.of(base, { width: 1180, height: 760, zone: "UTC" });
  const page = await visitor.go("?range=7d");
  // What the picture shows; the cost report below it takes longer.
  await page.locator(".plot canvas").waitFor({ timeout: 120_000 });
  await page.waitForFunction(
    () =>
      document.querySelectorAll(".toplist").length === 4 &&
      !document.querySelector('.tile[aria-busy="true"]') &&
      document.querySelector(".who-text")?.textContent !== "",
    null,
    { timeout: 120_000 },
  );
  await page.screenshot({ path: picture("overview") });
  // One of LiteLLM's own rows: with a tool's result, and a failure. Wide enough to show when each turn was.
  await page.setViewportSize({ width: 1400, height: 760 });
  await visitor.go("/sessions/P1-responses?turn=5");
  await page.locator(".turn .message").first().waitFor({ timeout: 120_000 });
  await page.locator(".verdict strong").first().waitFor({ timeout: 120_000 });
  await page.screenshot({ path: picture("session") });
  await visitor.close();
}, 300_000);
