// What holds for every page: no violation of accessibility, dark and light, a small screen, and text that stays text.

import { expect, inject, test } from "vitest";
import { useBrowser, Visitor } from "./page";

useBrowser();
const base = inject("open");

const PAGES = [
  "?range=today",
  "/sessions?range=today",
  "/sessions/run-a",
  "/sessions/run-a?tab=conversation",
  "/requests?range=today&live=off",
  "/requests/run-a-2",
  "/costs?range=today&split=model",
  "/calls?range=today",
  "/diff?a=run-a&b=run-b",
  "/quality?range=today",
  "/login",
  "/nowhere",
];

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing, ${scheme}`, async () => {
    const visitor = await Visitor.of(base, { scheme });
    const told: string[] = [];
    for (const path of PAGES) {
      await visitor.go(path);
      await visitor.settled();
      for (const one of await visitor.violations()) told.push(`${path} ${one}`);
    }
    expect(told).toEqual([]);
    await visitor.close();
  });
}

test("every page fits a screen of 360 pixels", async () => {
  const visitor = await Visitor.of(base, { width: 360, height: 740 });
  for (const path of PAGES) {
    const page = await visitor.go(path);
    await visitor.settled();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
  }
  await visitor.close();
});

test("text that wants to be more than text stays text", async () => {
  const visitor = await Visitor.of(base);
  const session = encodeURIComponent('"><script>attacked()</script>');
  const request = encodeURIComponent("<img src=x onerror=attacked()>-1");
  for (const path of [
    `/sessions/${session}`,
    `/sessions/${session}?tab=conversation`,
    `/requests/${request}`,
    "/requests?range=today&live=off",
    "/sessions?range=today",
    `/diff?a=${session}&b=${session}`,
    "?range=today",
    "/costs?range=today&by=tag",
    `/nowhere/${session}`,
  ]) {
    const page = await visitor.go(path);
    await visitor.settled();
    for (const fold of await page.locator("summary").all()) await fold.click();
    expect(await page.locator("#app :is(script, img, iframe, b b, details[ontoggle])").count(), path).toBe(0);
  }
  const page = await visitor.go(`/sessions/${session}`);
  await visitor.settled();
  const text = (await page.locator(".reader").textContent()) ?? "";
  expect(text).toContain("<script>attacked()</script>");
  expect(text).toContain("safe⟨U+202E⟩txt.exe⟨U+2066⟩");
  expect(text).toContain("Show all (1.0 MB)");
  expect(text.length).toBeLessThan(100_000);
  await visitor.close();
});
