import { expect, test } from "vitest";
import { change, duration, money, period, share, short, shortPeriod, time } from "../../src/format";
import { sumOf } from "../../src/money";

test("what cost something never looks like nothing", () => {
  expect(money(0)).toBe("$0.00");
  expect(money(412.07)).toBe("$412.07");
  expect(money(1234567.5)).toBe("$1,234,567.50");
  expect(money(0.0042)).toBe("$0.0042");
  expect(money(0.000_000_000_4)).toBe("< $0.0000010");
  expect(money(-0.004)).toBe("-$0.0040");
  // The exact amounts of reports are text.
  expect(money("13.6149154173830730694883")).toBe("$13.61");
  expect(money(null)).toBe("–");
  expect(money("not a number")).toBe("–");
});

test("a sum of parts does not lose what floats lose", () => {
  expect(sumOf([1e16, 1, -1e16, 0.1])).toBe(1.1);
  expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1);
  expect(sumOf([])).toBe(0);
});

test("figures are short where they are long, and never wrong", () => {
  expect([short(9_999), short(29_512), short(1_400_000)]).toEqual(["9,999", "29.5K", "1.4M"]);
  expect([share(84.2), share(0.01), share(0), share(null)]).toEqual(["84.2%", "< 0.1%", "0%", "–"]);
  expect([change(12.4), change(-6), change(0), change(1323)]).toEqual(["+12%", "-6%", "0%", "×14.2"]);
});

test("durations have two units at most", () => {
  expect([0, 0.0004, 0.31, 4.23, 59.6, 185, 3600, 8_040, 271_000].map(duration)).toEqual([
    "0 s",
    "1 ms",
    "310 ms",
    "4.2 s",
    "1 min",
    "3 min 5 s",
    "1 h",
    "2 h 14 min",
    "3 d 3 h",
  ]);
});

test("a step of the server keeps its day in every zone", () => {
  for (const zone of ["Pacific/Kiritimati", "America/Los_Angeles", "UTC"]) {
    process.env.TZ = zone;
    expect(period("2026-11-28")).toBe("Sat, Nov 28");
    expect(period("2026-10-25 02:00:00")).toBe("Sun, Oct 25, 02:00");
    expect([shortPeriod("2026-11-01"), shortPeriod("2026-11-01 14:00:00"), shortPeriod("2026-11")]).toEqual([
      "Nov 1",
      "14:00",
      "Nov",
    ]);
  }
});

test("an instant is told in the reader's zone", () => {
  const year = new Date().getUTCFullYear();
  expect(time(`${year}-10-25T00:30:00Z`, "Europe/Berlin")).toBe("Oct 25, 02:30");
  expect(time(`${year}-10-25T01:30:00Z`, "Europe/Berlin")).toBe("Oct 25, 02:30");
  expect(time("2019-01-01T00:00:00Z", "America/New_York")).toBe("Dec 31, 2018, 19:00");
  expect(time("nonsense", "UTC")).toBe("–");
});
