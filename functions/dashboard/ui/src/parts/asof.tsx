import { clock, exactTime } from "../format";
import { epoch } from "../login/credential";
import { refresh } from "../refresh";
import { zone } from "../state";
import { t } from "../text";

/** Times that differ by less are of one load of the page. */
const SAME_MS = 60_000;

/** The one time that a page's figures are right as of, and a note where two differ. */
export function AsOf({ times }: { times: (string | null)[] }) {
  const known = times.filter((time): time is string => time !== null).sort((a, b) => Date.parse(a) - Date.parse(b));
  const oldest = known[0];
  const newest = known[known.length - 1];
  if (!oldest || !newest) return null;
  const differ = Date.parse(newest) - Date.parse(oldest) > SAME_MS;
  return (
    <span class="as-of" data-epoch={epoch.value}>
      <span class="muted" title={exactTime(oldest, zone.value)}>
        {t.asOf(clock(oldest, zone.value))}
      </span>
      {differ && (
        <span class="badge warn" title={t.asOfDiffer(clock(oldest, zone.value), clock(newest, zone.value))}>
          {t.asOfDiffer(clock(oldest, zone.value), clock(newest, zone.value))}
        </span>
      )}
      <button type="button" class="button quiet" onClick={refresh}>
        {t.refresh}
      </button>
    </span>
  );
}
