import { useState } from "preact/hooks";
import type { Dimension } from "../api/ask";
import { answer, client, pathOf } from "../api/client";
import { useAnswer } from "../api/query";
import { setQuery } from "../router";
import { choicesOf, type FilterName, isNumeric, view, windowParams } from "../state";
import { t } from "../text";

interface Suggestion {
  value: string;
  label: string | null;
}

const DIMENSIONS: Partial<Record<FilterName, Dimension>> = {
  agent_name: "agent",
  model: "model",
  team_id: "team",
  user_id: "user",
  end_user: "end_user",
  tag: "tag",
};

/** The values that a filter can have in this window, the most expensive first. */
function useSuggestions(name: FilterName): Suggestion[] {
  const dimension = DIMENSIONS[name];
  const params = windowParams.value;
  const key = dimension ? pathOf("suggestions", { dimension, ...params }) : null;
  const asked = useAnswer<Suggestion[]>(key, async (signal) => {
    const found = await answer(
      client.GET("/api/v1/analytics/cost-breakdown", {
        params: { query: { ...params, group_by: [dimension ?? "model"], top: 50 } },
        signal,
      }),
    );
    return {
      ...found,
      data: found.data
        .filter((row) => row.category !== "other")
        .map((row) => ({ value: row.category, label: row.label ?? null })),
    };
  });
  return asked.data ?? [];
}

export const filterText = (name: FilterName, value: string): string =>
  choicesOf(name) ? (t.filter.choices[value] ?? value) : value;

function AddFilter({ names, close }: { names: readonly FilterName[]; close: () => void }) {
  const [name, setName] = useState<FilterName>(names[0] ?? "agent_name");
  const suggestions = useSuggestions(name);
  const choices = choicesOf(name);
  return (
    <form
      class="row add-filter"
      onSubmit={(event) => {
        event.preventDefault();
        const value = String(new FormData(event.currentTarget).get("value") ?? "").trim();
        if (value === "") return;
        close();
        setQuery({ [name]: value, cursor: null });
      }}
    >
      <label class="pick">
        <span class="visually-hidden">{t.filter.by}</span>
        <select value={name} onChange={(event) => setName(event.currentTarget.value as FilterName)}>
          {names.map((each) => (
            <option key={each} value={each}>
              {t.filters[each]}
            </option>
          ))}
        </select>
      </label>
      {choices ? (
        <select name="value" aria-label={t.filter.value} key={name}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {t.filter.choices[choice] ?? choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          key={name}
          name="value"
          aria-label={t.filter.value}
          required
          maxLength={400}
          autoComplete="off"
          list="filter-values"
          {...(isNumeric(name) ? { type: "number", min: "0", step: "any" } : { type: "text" })}
        />
      )}
      <datalist id="filter-values">
        {suggestions.map((found) => (
          <option key={found.value} value={found.value}>
            {found.label ?? ""}
          </option>
        ))}
      </datalist>
      <button type="submit" class="button">
        {t.filter.apply}
      </button>
      <button type="button" class="button quiet" onClick={close}>
        {t.keys.close}
      </button>
    </form>
  );
}

/** The filters of the address as chips, and a form for one more. */
export function Filters({ names }: { names: readonly FilterName[] }) {
  const [adding, setAdding] = useState(false);
  const { filters } = view.value;
  const set = names.filter((name) => filters[name] != null);
  return (
    <div class="chips">
      {set.map((name) => (
        <span key={name} class="chip">
          <span class="muted">{t.filters[name]}</span>
          <bdi>{filterText(name, filters[name] ?? "")}</bdi>
          <button
            type="button"
            aria-label={t.filter.remove(t.filters[name])}
            onClick={() => setQuery({ [name]: null, cursor: null })}
          >
            ×
          </button>
        </span>
      ))}
      {adding ? (
        <AddFilter names={names} close={() => setAdding(false)} />
      ) : (
        <button type="button" class="button quiet" onClick={() => setAdding(true)}>
          + {t.filter.add}
        </button>
      )}
      {set.length > 1 && (
        <button
          type="button"
          class="button quiet"
          onClick={() => setQuery(Object.fromEntries([...set, "cursor"].map((name) => [name, null])))}
        >
          {t.filter.clear}
        </button>
      )}
    </div>
  );
}
