import { expect, test } from "vitest";
import { addDays, granularityOf, isMoment, resolve, today, zoomed } from "../../src/time";

// 23:30 in New York, the next day in Berlin and two days later on Kiritimati's calendar.
const now = new Date("2026-11-28T04:30:17.512Z");

test("today is the reader's", () => {
  expect(today("America/New_York", now)).toBe("2026-11-27");
  expect(today("Europe/Berlin", now)).toBe("2026-11-28");
  expect(today("Pacific/Kiritimati", now)).toBe("2026-11-28");
});

test("windows are named by days, and their zone goes with them", () => {
  const ask = (range: "today" | "yesterday" | "7d" | "month" | "last-month") =>
    resolve({ range }, "Europe/Berlin", now);
  expect(ask("today")).toEqual({
    start_date: "2026-11-28",
    end_date: "2026-11-28T04:30:17Z",
    timezone: "Europe/Berlin",
  });
  expect(ask("yesterday")).toEqual({ start_date: "2026-11-27", end_date: "2026-11-28", timezone: "Europe/Berlin" });
  expect(ask("7d").start_date).toBe("2026-11-22");
  expect(ask("month").start_date).toBe("2026-11-01");
  expect(ask("last-month")).toEqual({ start_date: "2026-10-01", end_date: "2026-11-01", timezone: "Europe/Berlin" });
});

test("a day with a change of the clock is a day like others", () => {
  // Berlin's 25 hours of October 25.
  expect(resolve({ from: "2026-10-25", to: "2026-10-26" }, "Europe/Berlin", now)).toEqual({
    start_date: "2026-10-25",
    end_date: "2026-10-26",
    timezone: "Europe/Berlin",
  });
  expect(addDays("2026-10-25", 1)).toBe("2026-10-26");
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
});

test("what is no day is not taken for one", () => {
  expect(
    ["2026-02-30", "2026-13-01", "yesterday", "", "2026-11-28T25:00:00Z", "2026-11-28 10:00"].map(isMoment),
  ).toEqual(Array.from({ length: 6 }, () => false));
  expect(["2026-11-28", "2026-11-28T10:00:00Z", "2026-11-28T10:00:00.5+05:30"].every(isMoment)).toBe(true);
});

test("zooming keeps the server's cuts", () => {
  const whole = { start_date: "2026-11-26", end_date: "2026-11-28T04:30:17Z", timezone: "Europe/Berlin" };
  const starts = ["2026-11-25T23:00:00Z", "2026-11-26T23:00:00Z", "2026-11-27T23:00:00Z"];
  expect(zoomed(starts, 1, 1, whole)).toEqual({ from: "2026-11-26T23:00:00Z", to: "2026-11-27T23:00:00Z" });
  expect(zoomed(starts, 0, 2, whole)).toEqual({ from: "2026-11-26", to: "2026-11-28T04:30:17Z" });
  expect(granularityOf(whole)).toBe("day");
  expect(granularityOf({ ...whole, start_date: "2026-11-27" })).toBe("hour");
  expect(granularityOf({ ...whole, start_date: "2026-01-01" })).toBe("week");
});
