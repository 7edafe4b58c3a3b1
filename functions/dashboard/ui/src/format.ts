// Numbers, money, times as people read them: all by Intl, in the language of the browser.

const language = typeof navigator === "undefined" ? "en" : navigator.language;

const count = new Intl.NumberFormat(language);
const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const cents = new Intl.NumberFormat(language, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" });
const small = new Intl.NumberFormat(language, {
  style: "currency",
  currency: "USD",
  currencyDisplay: "narrowSymbol",
  minimumSignificantDigits: 2,
  maximumSignificantDigits: 2,
});
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const signedPercent = new Intl.NumberFormat(language, {
  style: "percent",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const plural = new Intl.PluralRules("en");

/** What stands where a figure is not known. */
export const NOTHING = "–";

/** `1,234` */
export const number = (value: number | null | undefined): string => (value == null ? NOTHING : count.format(value));

/** `1.2M` from ten thousand on, all digits below. */
export const short = (value: number | null | undefined): string =>
  value == null ? NOTHING : Math.abs(value) < 10_000 ? count.format(value) : compact.format(value);

/** US dollars. Amounts below a cent keep two significant digits: `$0.0042`, never `$0.00` for what cost something. */
export function money(value: number | string | null | undefined): string {
  if (value == null) return NOTHING;
  const amount = Number(value);
  if (!Number.isFinite(amount)) return NOTHING;
  const size = Math.abs(amount);
  if (size === 0 || size >= 0.1) return cents.format(amount);
  if (size < 0.000_001) return amount < 0 ? `> -${small.format(0.000_001)}` : `< ${small.format(0.000_001)}`;
  return small.format(amount);
}

/** `12.3%` of a percentage from 0 to 100. */
export const share = (value: number | null | undefined): string =>
  value == null ? NOTHING : value > 0 && value < 0.05 ? `< ${percent.format(0.001)}` : percent.format(value / 100);

/** `+12%` of a percentage; a factor from ten times on: `×24`. */
export function change(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  if (value >= 9_900) return "> ×100";
  if (value >= 900) return `×${compact.format(1 + value / 100)}`;
  return signedPercent.format(value / 100);
}

/** `310 ms`, `4.2 s`, `3 min 05 s`, `2 h 14 min`, `3 d 4 h` */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NOTHING;
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (big: number, bigUnit: string, rest: number, unit: string) =>
    rest === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${rest} ${unit}`;
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return two(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone}|${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language, { timeZone: zone, ...options });
    formats.set(key, found);
  }
  return found;
}

/** An instant in a zone, to the minute: `Nov 28, 11:19`. With the year where it is not this one. */
export function time(instant: string | null | undefined, zone: string): string {
  if (!instant) return NOTHING;
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return NOTHING;
  const thisYear = date.getUTCFullYear() === new Date().getUTCFullYear();
  return formatOf(zone, {
    ...(thisYear ? {} : { year: "numeric" }),
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(date);
}

/** An instant in a zone, to the second and with the zone's name. */
export function exactTime(instant: string | null | undefined, zone: string): string {
  if (!instant) return NOTHING;
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return NOTHING;
  return formatOf(zone, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).format(date);
}

/** `14:07:33` in a zone. */
export const clock = (instant: string, zone: string): string =>
  formatOf(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(instant));

/** A calendar day, hour or month as the API writes it (`2026-11-28`, `2026-11-28 14:00:00`, `2026-11`): `Fri, Nov 28`. */
export function period(text: string): string {
  const [day = "", hour] = text.split(" ");
  const parts = day.split("-").map(Number);
  // The API has cut it already: as a date of UTC no zone can move it.
  const date = new Date(Date.UTC(parts[0] ?? 1970, (parts[1] ?? 1) - 1, parts[2] ?? 1));
  if (parts.length === 2) return formatOf("UTC", { month: "short", year: "numeric" }).format(date);
  const label = formatOf("UTC", { weekday: "short", month: "short", day: "numeric" }).format(date);
  return hour ? `${label}, ${hour.slice(0, 5)}` : label;
}

/** The same, for an axis: `Nov 28` or `14:00`. */
export function shortPeriod(text: string): string {
  const [day = "", hour] = text.split(" ");
  if (hour && hour !== "00:00:00") return hour.slice(0, 5);
  const parts = day.split("-").map(Number);
  const date = new Date(Date.UTC(parts[0] ?? 1970, (parts[1] ?? 1) - 1, parts[2] ?? 1));
  return formatOf("UTC", parts.length === 2 ? { month: "short" } : { month: "short", day: "numeric" }).format(date);
}

/** `+$0.20` of a difference. */
export const signed = (value: number, format: (value: number) => string): string =>
  value > 0 ? `+${format(value)}` : format(value);

/** `1 session`, `2 sessions` */
export const counted = (value: number, one: string, many: string): string =>
  `${number(value)} ${plural.select(value) === "one" ? one : many}`;

/** `1.2 MB` of characters. */
export function size(characters: number): string {
  if (characters < 1000) return counted(characters, "character", "characters");
  return characters < 1_000_000 ? `${(characters / 1000).toFixed(1)} kB` : `${(characters / 1_000_000).toFixed(1)} MB`;
}
