import type { ComponentChildren } from "preact";
import { share } from "../format";
import { t } from "../text";

export interface Bar {
  id: string;
  label: string;
  value: number;
  text: string;
  /** 0 to 100 of the whole. */
  percent: number | null;
  href: string | null;
}

/** The greatest of a dimension, each with its share. */
export function TopList({ rows, label }: { rows: Bar[]; label: string }) {
  const most = Math.max(...rows.map((row) => row.value), 0);
  return (
    <ul class="toplist" aria-label={label}>
      {rows.map((row) => (
        <li key={row.id}>
          <Line href={row.href}>
            <span class="track" aria-hidden="true">
              <i style={{ width: `${most > 0 ? Math.max(0.5, (100 * Math.max(0, row.value)) / most) : 0}%` }} />
            </span>
            <bdi class="name">{row.label}</bdi>
            <span class="num">{row.text}</span>
            <span class="num muted">{row.percent === null ? "" : share(row.percent)}</span>
          </Line>
        </li>
      ))}
    </ul>
  );
}

function Line({ href, children }: { href: string | null; children: ComponentChildren }) {
  return href ? (
    <a class="line" href={href}>
      {children}
    </a>
  ) : (
    <span class="line">{children}</span>
  );
}

export interface Bucket {
  from: number;
  to: number | null;
  sessions: number;
}

interface HistogramProps {
  title: string;
  summary: string;
  buckets: Bucket[];
  format: (value: number) => string;
  /** Without it bars cannot be chosen. */
  onPick?: (bucket: Bucket) => void;
}

/** How many sessions lie in each range; from the first range with one to the last. */
export function Histogram({ title, summary, buckets, format, onPick }: HistogramProps) {
  const filled = buckets.map((bucket) => bucket.sessions > 0);
  const shown = buckets.slice(Math.max(0, filled.indexOf(true)), filled.lastIndexOf(true) + 1);
  const most = Math.max(...shown.map((bucket) => bucket.sessions), 1);
  const range = (bucket: Bucket) =>
    bucket.to === null
      ? t.sessions.from(format(bucket.from))
      : bucket.to === bucket.from
        ? format(bucket.from)
        : t.sessions.range(format(bucket.from), format(bucket.to));
  const first = shown[0];
  const last = shown[shown.length - 1];
  return (
    <section class="histogram">
      <h2>{title}</h2>
      <p class="muted">{summary}</p>
      <fieldset class="hist-bars" aria-label={title}>
        {shown.map((bucket) => {
          const name = t.sessions.bar(range(bucket), bucket.sessions);
          const size = { height: `${bucket.sessions === 0 ? 0 : Math.max(4, (100 * bucket.sessions) / most)}%` };
          return onPick && bucket.sessions > 0 ? (
            <button
              type="button"
              key={`${bucket.from}-${bucket.to}`}
              title={name}
              aria-label={`${name}, ${t.sessions.barFilter}`}
              onClick={() => onPick(bucket)}
            >
              <i style={size} />
            </button>
          ) : (
            <span key={`${bucket.from}-${bucket.to}`} title={name}>
              <i style={size} />
            </span>
          );
        })}
      </fieldset>
      {first && last && (
        <p class="ends muted num" aria-hidden="true">
          <span>{format(first.from)}</span>
          <span>{format(last.to ?? last.from)}</span>
        </p>
      )}
    </section>
  );
}
