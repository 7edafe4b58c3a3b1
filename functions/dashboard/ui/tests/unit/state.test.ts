import { expect, test } from "vitest";
import { href, segments } from "../../src/router";
import { parseView } from "../../src/state";

const view = (query: string) => parseView(new URLSearchParams(query), "Europe/Berlin");

test("an address is the view it was copied from", () => {
  const found = view("range=7d&zone=Asia%2FKolkata&agent_name=support-bot&min_cost=0.01&status=failure");
  expect(found).toEqual({
    window: { range: "7d" },
    zone: "Asia/Kolkata",
    filters: { agent_name: "support-bot", min_cost: "0.01", status: "failure" },
    faults: [],
  });
  expect(view("from=2026-10-25&to=2026-10-26").window).toEqual({ from: "2026-10-25", to: "2026-10-26" });
});

test("what an address cannot mean is left out and named", () => {
  for (const query of [
    "range=eon",
    "zone=Mars%2FBase",
    "status=maybe",
    "min_cost=cheap",
    "min_cost=-1",
    "from=2026-02-30",
    "from=2026-11-02&to=2026-11-01",
    "to=2026-11-01",
  ]) {
    const found = view(query);
    expect(found.faults, query).toHaveLength(1);
    expect({ ...found, faults: [] }).toEqual({
      window: { range: "30d" },
      zone: "Europe/Berlin",
      filters: {},
      faults: [],
    });
  }
});

test("ids with any character find back from the address", () => {
  for (const id of ["a/b", "100%", "<script>alert(1)</script>", "a?b#c", "\u202eevil", "ü ñ"]) {
    const address = href(`/sessions/${encodeURIComponent(id)}`);
    expect(segments(new URL(address, "http://localhost").pathname.slice("/dashboard".length))).toEqual([
      "sessions",
      id,
    ]);
  }
  expect(segments("/sessions/%E0%A4%A")).toEqual(["sessions", "%E0%A4%A"]);
});

test("only what is set gets into an address", () => {
  expect(href("/", { range: null, zone: undefined, agent_name: "" })).toBe("/dashboard");
  expect(href("/costs", { by: "team", range: "7d" })).toBe("/dashboard/costs?by=team&range=7d");
});
