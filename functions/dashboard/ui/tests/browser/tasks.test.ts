// What a user does first, in three zones: each figure on the page is the API's.

import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { money } from "../../src/format";
import { ask, useBrowser, Visitor } from "./page";

useBrowser();
const base = inject("open");

interface Session {
  session_id: string;
  total_cost: number;
  total_messages: number;
}

for (const zone of ["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"]) {
  describe(zone, () => {
    let visitor: Visitor;
    beforeEach(async () => {
      visitor = await Visitor.of(base, { zone });
    });
    afterEach(() => visitor.close());

    test("what did yesterday cost, which agent, which session", async () => {
      const page = await visitor.go("");
      await page.getByLabel("Time range").selectOption("yesterday");
      await visitor.settled();
      expect(page.url()).toContain("range=yesterday");
      const today = new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date());
      const day = new Date(Date.parse(today) - 86_400_000).toISOString().slice(0, 10);
      const window = `start_date=${day}&end_date=${today}&timezone=${encodeURIComponent(zone)}`;
      const overview = await ask<{ total_cost: number }>(base, `/api/v1/analytics/overview?${window}`);
      const tile = page.locator(".tile", { hasText: "Cost" }).first();
      expect(await tile.locator(".tile-value").textContent()).toBe(money(overview.total_cost));
      expect(await page.locator(".sums").getAttribute("data-agrees")).toBe("true");
      const agents = await ask<{ category: string }[]>(
        base,
        `/api/v1/analytics/cost-breakdown?${window}&group_by=agent&top=6`,
      );
      expect(await page.getByRole("list", { name: "Agents" }).locator("bdi").first().textContent()).toBe(
        agents[0]?.category,
      );
      const report = await ask<{ sessions: { session_id: string }[] }>(base, `/api/v1/reports/cost?${window}&top=6`);
      const first = page.locator(".card", { hasText: "Most expensive sessions" }).locator("a").first();
      expect(await first.textContent()).toBe(report.sessions[0]?.session_id);
      await first.click();
      await page.locator(".verdict").waitFor();
    });

    test("find a session by agent and cost, and open it by the keyboard", async () => {
      const page = await visitor.go("/sessions");
      await page.getByRole("button", { name: "Add filter" }).click();
      await page.getByLabel("Value").fill("support-bot");
      await page.getByRole("button", { name: "Apply" }).click();
      await page.getByLabel("Sort by").selectOption("cost");
      await visitor.settled();
      const url = new URL(page.url());
      expect(Object.fromEntries(url.searchParams)).toEqual({ agent_name: "support-bot", sort: "cost" });
      const [wanted] = await ask<Session[]>(base, "/api/v1/sessions?agent_name=support-bot&sort=cost&limit=1");
      expect(await page.locator("tbody tr").first().locator("a").textContent()).toBe(wanted?.session_id);
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.locator(".verdict strong", { hasText: `${wanted?.total_messages} turn` }).waitFor();
      // The way back is the list as it was.
      await page.goBack();
      await visitor.settled();
      expect(await page.getByLabel("Sort by").inputValue()).toBe("cost");
    });

    test("a total over the end of summer time is the same in each zone", async () => {
      const window = "from=2026-10-24T12:00:00Z&to=2026-10-25T12:00:00Z";
      const page = await visitor.go(`?${window}&team_id=team-autumn`);
      const value = () => page.locator(".tile-value").first().textContent();
      for (const other of ["Europe/Berlin", "America/New_York", "Australia/Sydney"]) {
        await page.getByLabel("Time zone").selectOption(other);
        await visitor.settled();
        expect(await value(), other).toBe("$12.00");
        expect(await page.locator(".sums").getAttribute("data-agrees")).toBe("true");
      }
      // Berlin's 25 hours of that day, cut by the server.
      await visitor.go("?from=2026-10-25&to=2026-10-26&zone=Europe%2FBerlin&team_id=team-autumn");
      await visitor.settled();
      expect(await page.locator(".sums").textContent()).toContain("25 hours = $7.00");
    });
  });
}

describe("in one zone", () => {
  let visitor: Visitor;
  beforeEach(async () => {
    visitor = await Visitor.of(base);
  });
  afterEach(() => visitor.close());

  test("jump to the failure, open its request, copy it as curl", async () => {
    const page = await visitor.go("/sessions/large-session");
    await page.locator(".wf-row[data-step]").first().waitFor();
    await page.waitForFunction(() => !document.querySelector(".verdict .badge"), null, { timeout: 60_000 });
    await page.keyboard.press("e");
    await page.locator('.wf-row.failed[aria-selected="true"]').waitFor();
    await page.locator(".turn-head", { hasText: "Turn 4,322" }).waitFor();
    await page.waitForFunction(() => location.search.includes("turn=4322"));
    await page.getByRole("link", { name: "Open request" }).click();
    await page.getByRole("heading", { name: "Facts" }).waitFor();
    expect(page.url()).toContain("/requests/large-04321");
    await page.getByRole("button", { name: "Copy as curl" }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    expect(command).toContain('curl "$LITELLM_URL/v1/chat/completions"');
    expect(command).toContain("question 4321");
  });

  test("search finds what is on no page that is loaded", async () => {
    const page = await visitor.go("/sessions/large-session");
    await page.locator(".wf-row[data-step]").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("the NEEDLE");
    await page.keyboard.press("Enter");
    await page.locator(".turn-head", { hasText: "Turn 2,778" }).waitFor({ timeout: 50_000 });
    await page.locator(".turn", { hasText: "here is the needle" }).waitFor();
  });

  test("choose a filter's value by the keyboard alone", async () => {
    const page = await visitor.go("/sessions?range=30d");
    await visitor.settled();
    const add = page.getByRole("button", { name: "Add filter" });
    await add.focus();
    await page.keyboard.press("Enter");
    const field = page.getByRole("combobox", { name: "Value" });
    const options = page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
    await options.first().waitFor();
    expect(await visitor.violations()).toEqual([]);
    // The field has the focus, and says which option is the active one.
    const active = () => field.getAttribute("aria-activedescendant");
    expect(await active()).toBeNull();
    await page.keyboard.press("ArrowUp");
    expect(await active()).toBe(await options.last().getAttribute("id"));
    await page.keyboard.press("ArrowDown");
    expect(await active()).toBe(await options.first().getAttribute("id"));
    expect(await options.first().getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Escape");
    expect(await field.getAttribute("aria-expanded")).toBe("false");
    await page.keyboard.type("support-b");
    const values = await ask<{ value: string }[]>(base, "/api/v1/facets/agent?days=30&prefix=SUPPORT-b");
    await page.waitForFunction((count) => document.querySelectorAll(".option").length === count, values.length);
    expect(await options.locator("bdi").allTextContents()).toEqual(values.map(({ value }) => value));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".chip", { hasText: "support-bot" }).waitFor();
    expect(page.url()).toContain("agent_name=support-bot");
    // What is on no list can be typed, too.
    await add.click();
    await page.keyboard.type("nobody");
    await page.keyboard.press("Enter");
    await page.locator(".chip", { hasText: "nobody" }).waitFor();
    await page.locator(".empty").first().waitFor();
  });

  test("break the costs down by team and click through", async () => {
    const page = await visitor.go("/costs?range=7d");
    await visitor.settled();
    await page.getByLabel("then by").selectOption("model");
    await visitor.settled();
    const team = page.locator(".pivot tr.group a").first();
    const cost = await page.locator(".pivot tr.group").first().locator("td.num").first().textContent();
    await team.click();
    await visitor.settled();
    expect(await page.locator(".chip").count()).toBe(1);
    expect(await page.locator(".pivot tfoot td.num").first().textContent()).toBe(cost);
  });

  test("a tool, an error and a provider lead to their requests", async () => {
    for (const [from, link, filter] of [
      ["/calls?range=7d", "th a.mono", "tool"],
      ["/calls?range=7d", ".matrix a", "error_class"],
      ["/costs?range=7d&by=provider", ".pivot th a", "provider"],
    ] as const) {
      const page = await visitor.go(from);
      await visitor.settled();
      await page.locator(link).first().click();
      await page.locator("tr[data-request]").first().waitFor();
      const query = new URL(page.url()).searchParams;
      const wanted = new URLSearchParams({ limit: "1" });
      for (const name of [filter, "model", "status"]) if (query.has(name)) wanted.set(name, query.get(name) ?? "");
      expect(wanted.has(filter)).toBe(true);
      const [first] = await ask<{ request_id: string }[]>(base, `/api/v1/requests?${wanted}`);
      expect(await page.locator("tr[data-request]").first().getAttribute("data-request"), from).toBe(first?.request_id);
    }
  });

  test("save the same window as CSV", async () => {
    const page = await visitor.go("/costs?range=7d");
    await visitor.settled();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "CSV" }).click(),
    ]);
    expect(file.suggestedFilename()).toMatch(/^costs-.*\.csv$/);
  });

  test("a bar of a histogram is a bound", async () => {
    const page = await visitor.go("/sessions?range=7d");
    await visitor.settled();
    const bar = page.getByRole("group", { name: "Cost per session" }).getByRole("button").nth(2);
    const [, sessions] = /: ([\d,]+) session/.exec((await bar.getAttribute("title")) ?? "") ?? [];
    await bar.click();
    await visitor.settled();
    expect(await page.locator(".chip").count()).toBe(2);
    expect(Number(sessions?.replace(",", ""))).toBeGreaterThan(0);
  });

  test("compare two runs", async () => {
    const page = await visitor.go("/sessions?sort=cost&min_cost=2.9&max_cost=4.6");
    await visitor.settled();
    for (let row = 0; row < 2; row++) {
      await page.keyboard.press("j");
      await page.keyboard.press("x");
    }
    await page.getByRole("link", { name: "Compare the two" }).click();
    await visitor.settled();
    expect(await page.locator("table").first().textContent()).toContain("$1.50");
    const sides = new URL(page.url()).searchParams;
    const diff = await ask<{
      first_divergence: { turn: number };
      turns: { differences: string[]; cost_change: number }[];
    }>(base, `/api/v1/sessions/diff?a=${sides.get("a")}&b=${sides.get("b")}`);
    const differing = diff.turns.flatMap((turn, index) => (turn.differences.length > 0 ? [`turn-${index}`] : []));
    const rows = page.locator("tr[data-differs]");
    expect(await rows.evaluateAll((found) => found.map((row) => row.id))).toEqual(differing);
    const first = page.locator("tr.divergence");
    expect(await first.getAttribute("id")).toBe(`turn-${diff.first_divergence.turn}`);
    expect(await first.textContent()).toContain("prompt");
    expect(await first.textContent()).toContain(money(diff.turns[diff.first_divergence.turn]?.cost_change));
    await page.keyboard.press("e");
    await page.locator("tr.divergence a:focus").waitFor();
    await first.getByRole("button", { name: "Compare the text" }).click();
    expect(await page.locator("pre.diff del").first().textContent()).toBe(sides.get("a")?.slice(-1));
    expect(await page.locator("pre.diff ins").first().textContent()).toBe(sides.get("b")?.slice(-1));
    expect(await visitor.violations()).toEqual([]);
  });

  test("a session is not compared with itself, and long ones are not all in the page", async () => {
    const page = await visitor.go("/diff?a=run-a&b=run-a");
    await page.getByText("are the same session").waitFor();
    await page.route("**/api/v1/sessions/diff?*", async (route) => {
      const answer = (await (await route.fetch()).json()) as { turns: object[]; total_turns: number };
      // Nine equal turns, one that differs.
      const turns = Array.from({ length: 10_000 }, (_, index) => ({
        ...answer.turns[0],
        a: index,
        b: index,
        differences: index % 10 === 9 ? ["answer"] : [],
      }));
      await route.fulfill({ json: { ...answer, turns, total_turns: 12_345 } });
    });
    await visitor.go("/diff?a=run-a&b=run-b");
    await page.getByText("only their first turns").waitFor();
    const count = () => page.locator("table.turns tbody tr").count();
    expect(await count()).toBe(200);
    expect(await page.locator("tr[data-differs]").count()).toBeGreaterThan(40);
    await page.getByRole("button", { name: "8 equal turns" }).click();
    await page.getByRole("button", { name: "Load more" }).click();
    expect(await count()).toBe(400);
  });

  test("an address that cannot be meant says so, and the page works", async () => {
    const page = await visitor.go("?range=eon&zone=Mars%2FBase&status=maybe");
    await visitor.settled();
    expect(await page.locator(".notice").count()).toBe(3);
    await page.locator(".notice button").first().click();
    expect(await page.locator(".notice").count()).toBe(0);
  });

  test("the keys of a page are told", async () => {
    const page = await visitor.go("/sessions/run-a");
    await page.locator(".verdict").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    expect(await page.locator("dialog kbd").allTextContents()).toEqual(
      expect.arrayContaining(["J", "K", "e", "g", "G", "/", "?"]),
    );
    await page.keyboard.press("Escape");
    await page.keyboard.press("G");
    await page.locator(".turn-head", { hasText: "Turn 3 of 3" }).waitFor();
  });

  test("the service is away, too slow, and comes back by itself", async () => {
    let answers = 0;
    await visitor.page.route("**/api/v1/sessions?*", async (route) => {
      answers += 1;
      if (answers === 1) return route.abort();
      if (answers === 2)
        return route.fulfill({
          status: 504,
          contentType: "application/problem+json",
          headers: { "retry-after": "1" },
          body: JSON.stringify({ title: "Timeout", detail: "The statement took too long.", request_id: "r-1" }),
        });
      return route.continue();
    });
    const page = await visitor.go("/sessions?range=7d");
    await page.locator('[data-kind="away"]').waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator('[data-kind="slow"]').waitFor();
    expect(await page.locator(".problem").textContent()).toContain("r-1");
    await page.locator("tbody tr").first().waitFor({ timeout: 20_000 });
  });

  test("a session that does not exist says so", async () => {
    const page = await visitor.go("/sessions/no-such-session");
    await page.locator('[data-kind="missing"]').waitFor();
  });
});
