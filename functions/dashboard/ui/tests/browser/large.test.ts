// A session of 20,000 requests. What is measured is printed; only what does not depend on the machine is a condition.

import { expect, inject, test } from "vitest";
import { useBrowser, Visitor } from "./page";

useBrowser();

test("a session of 20,000 requests is looked at like any other", async () => {
  const visitor = await Visitor.of(inject("open"));
  const { page } = visitor;
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (!document.querySelector("[data-step]")) return;
      performance.mark("first-rows");
      seen.disconnect();
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  await visitor.go("/sessions/large-session");
  await page.locator("[data-step]").first().waitFor();
  await page.waitForFunction(() => document.querySelector(".waterfall .legend .num")?.textContent === "20,000", null, {
    timeout: 60_000,
  });
  const firstRows = await page.evaluate(() => performance.getEntriesByName("first-rows")[0]?.startTime ?? 0);

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
  await page.keyboard.press("G");
  await page.locator('[aria-selected="true"][data-step="19999"]').waitFor();
  const heap = await page.evaluate(() => {
    (window as unknown as { gc?: () => void }).gc?.();
    return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6;
  });
  console.log(
    `first rows ${Math.round(firstRows)} ms, ${frames.fps.toFixed(0)} frames a second (the longest ${Math.round(frames.worst)} ms, ` +
      `${frames.blank} of 180 without rows), ${frames.rows} rows in the page, ${heap.toFixed(0)} MB of heap`,
  );
  // The page has the rows that are seen, not those of the session.
  expect(frames.rows).toBeLessThan(100);
  expect(heap).toBeLessThan(100);
  await visitor.close();
});
