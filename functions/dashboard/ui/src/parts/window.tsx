import { useEffect, useState } from "preact/hooks";
import { period, time } from "../format";
import { setQuery } from "../router";
import { now, view, windowParams, zone } from "../state";
import { t } from "../text";
import { addDays, browserZone, RANGES, zones } from "../time";

const CUSTOM = "custom";

const momentText = (moment: string): string => (moment.length === 10 ? period(moment) : time(moment, zone.value));

export function RangePicker() {
  const { window } = view.value;
  const [editing, setEditing] = useState(false);
  const named = "range" in window ? window.range : CUSTOM;
  const params = windowParams.value;
  const lastDay = (end: string) => (end.length === 10 ? addDays(end, -1) : end.slice(0, 10));
  return (
    <div class="range">
      <label class="pick">
        <span class="visually-hidden">{t.window.label}</span>
        <select
          value={editing ? CUSTOM : named}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            if (chosen === CUSTOM) {
              setEditing(true);
              return;
            }
            setEditing(false);
            now.value = new Date();
            setQuery({ range: chosen, from: null, to: null, cursor: null });
          }}
        >
          {RANGES.map((range) => (
            <option key={range} value={range}>
              {t.window.ranges[range]}
            </option>
          ))}
          <option value={CUSTOM}>{t.window.custom}</option>
        </select>
      </label>
      {editing ? (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            const fields = new FormData(event.currentTarget);
            const from = String(fields.get("from"));
            const last = String(fields.get("to"));
            if (!from || !last || last < from) return;
            setEditing(false);
            setQuery({ range: null, from, to: addDays(last, 1), cursor: null });
          }}
        >
          <label>
            {t.window.from} <input type="date" name="from" required value={params.start_date.slice(0, 10)} />
          </label>
          <label>
            {t.window.to} <input type="date" name="to" required value={lastDay(params.end_date)} />
          </label>
          <button type="submit" class="button">
            {t.window.apply}
          </button>
        </form>
      ) : (
        <span class="muted range-text">
          {momentText(params.start_date)} –{" "}
          {params.end_date.length === 10 ? period(lastDay(params.end_date)) : momentText(params.end_date)}
        </span>
      )}
    </div>
  );
}

let allZones: string[] | undefined;

export function ZonePicker() {
  const chosen = zone.value;
  const [listed, setListed] = useState<string[]>([]);
  // These are hundreds of elements: what the page is about comes first.
  useEffect(() => {
    const later = setTimeout(() => {
      allZones ??= zones();
      setListed(allZones);
    }, 500);
    return () => clearTimeout(later);
  }, []);
  const all = listed.includes(chosen) ? listed : [chosen, ...listed];
  return (
    <label class="pick">
      <span class="visually-hidden">{t.window.zone}</span>
      <select
        class="zone"
        value={chosen}
        onChange={(event) =>
          setQuery({
            zone: event.currentTarget.value === browserZone() ? null : event.currentTarget.value,
            cursor: null,
          })
        }
      >
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
            {name === browserZone() ? ` (${t.window.yours})` : ""}
          </option>
        ))}
      </select>
    </label>
  );
}
