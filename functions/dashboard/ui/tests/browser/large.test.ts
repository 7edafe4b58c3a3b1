// A session of 20,000 requests. What is measured is printed; only what does not depend on the machine is a condition.

import type { CDPSession, Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { useBrowser, Visitor } from "./page";

useBrowser();

/** What of the API the page has got by now: path and bytes of each answer. */
const answered = (page: Page) =>
  page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter((entry) => entry.name.includes("/api/") && entry.responseEnd > 0)
      .map((entry) => ({ path: new URL(entry.name).pathname, bytes: entry.decodedBodySize })),
  );

/** Milliseconds that the page's thread has worked, of which in scripts. */
async function work(client: CDPSession): Promise<{ all: number; script: number }> {
  const { metrics } = await client.send("Performance.getMetrics");
  const seconds = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { all: 1000 * seconds("TaskDuration"), script: 1000 * seconds("ScriptDuration") };
}

test("a session of 20,000 requests is looked at like any other", async () => {
  const visitor = await Visitor.of(inject("open"));
  const { page } = visitor;
  const client = await visitor.context.newCDPSession(page);
  await client.send("Performance.enable");
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (!document.querySelector("[data-step]")) return;
      performance.mark("first-rows");
      seen.disconnect();
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  // What is slow is as slow as can be: it does not come before the first rows have been looked at.
  let release = () => {};
  const released = new Promise<void>((done) => {
    release = done;
  });
  await page.route("**/timeline?*", async (route) => {
    await released;
    await route.continue();
  });
  // A browser that has just been started is busy with a page of its own.
  await page.waitForTimeout(1_500);
  await visitor.go("/sessions/large-session");
  await page.locator("[data-step]").first().waitFor();
  await page.locator(".turn .message").first().waitFor();
  const needed = (await answered(page)).filter(({ path }) => path !== "/api/v1/me");
  expect(needed.map(({ path }) => path)).toEqual(["/api/v1/sessions/large-session/messages"]);
  expect(needed[0]?.bytes).toBeLessThan(50_000);
  expect(await page.locator("[data-step]").count()).toBe(30);
  // The reader goes on reading where they are when the others come.
  await page.evaluate(() => document.querySelector(".wf-scroll")?.scrollTo(0, 140));
  release();
  await page.waitForFunction(() => document.querySelector(".waterfall .legend .num")?.textContent === "20,000", null, {
    timeout: 60_000,
  });
  expect(await page.evaluate(() => document.querySelector(".wf-scroll")?.scrollTop)).toBe(140);
  const firstRows = await page.evaluate(() => performance.getEntriesByName("first-rows")[0]?.startTime ?? 0);

  const before = await work(client);
  const frames = await page.evaluate(
    () =>
      new Promise<{ fps: number; worst: number; rows: number; blank: number }>((resolve) => {
        const box = document.querySelector(".wf-scroll") as HTMLElement;
        const times: number[] = [];
        let rows = 0;
        let blank = 0;
        const step = (time: number) => {
          times.push(time);
          box.scrollTop += 190;
          rows = Math.max(rows, document.querySelectorAll(".wf-all > *").length);
          const { left, top, height } = box.getBoundingClientRect();
          if (!document.elementFromPoint(left + 60, top + height / 2)?.closest(".wf-row")) blank += 1;
          if (times.length < 180) return requestAnimationFrame(step);
          const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
          resolve({
            fps: (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0),
            worst: Math.max(...gaps),
            rows,
            blank,
          });
        };
        requestAnimationFrame(step);
      }),
  );
  const after = await work(client);
  const perFrame = (name: "all" | "script") => ((after[name] - before[name]) / 180).toFixed(1);
  await page.keyboard.press("G");
  await page.locator('[aria-selected="true"][data-step="19999"]').waitFor();
  const heap = await page.evaluate(() => {
    (window as unknown as { gc?: () => void }).gc?.();
    return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6;
  });
  console.log(
    `first rows ${Math.round(firstRows)} ms, ${frames.fps.toFixed(0)} frames a second (the longest ${Math.round(frames.worst)} ms, ` +
      `${frames.blank} of 180 without rows; ${perFrame("all")} ms of work for each, ${perFrame("script")} ms of it in ` +
      `scripts), ${frames.rows} rows in the page, ${heap.toFixed(0)} MB of heap`,
  );
  // The page has the rows that are seen, not those of the session.
  expect(frames.rows).toBeLessThan(60);
  expect(heap).toBeLessThan(100);
  await visitor.close();
});
