import { useState } from "preact/hooks";
import type { Dimension } from "../api/ask";
import { answer, client, pathOf } from "../api/client";
import { useAnswer } from "../api/query";
import { setQuery } from "../router";
import { choicesOf, type FilterName, isNumeric, view, windowParams } from "../state";
import { t } from "../text";
import { Combobox, type Option } from "./combobox";

const DIMENSIONS: Partial<Record<FilterName, Dimension>> = {
  agent_name: "agent",
  model: "model",
  team_id: "team",
  user_id: "user",
  end_user: "end_user",
  tag: "tag",
};

/** The values that a filter can have in this window, those of most requests first. */
function useSuggestions(name: FilterName, text: string): Option[] {
  const dimension = DIMENSIONS[name];
  const params = windowParams.value;
  const key = dimension ? pathOf("suggestions", { dimension, ...params }) : null;
  const asked = useAnswer<Option[]>(key, async (signal) => {
    const found = await answer(
      client.GET("/api/v1/analytics/cost-breakdown", {
        params: { query: { ...params, group_by: [dimension ?? "model"], top: 50 } },
        signal,
      }),
    );
    const rows = found.data.filter((row) => row.category !== "other");
    return {
      ...found,
      data: rows.map((row) => ({
        value: row.category,
        label: row.label ?? null,
        note: t.filter.requests(row.total_requests),
      })),
    };
  });
  const wanted = text.toLocaleLowerCase();
  return (asked.data ?? []).filter((option) =>
    `${option.value}\n${option.label ?? ""}`.toLocaleLowerCase().includes(wanted),
  );
}

export const filterText = (name: FilterName, value: string): string =>
  choicesOf(name) ? (t.filter.choices[value] ?? value) : value;

function AddFilter({ names, close }: { names: readonly FilterName[]; close: () => void }) {
  const [name, setName] = useState<FilterName>(names[0] ?? "agent_name");
  const [text, setText] = useState("");
  const suggestions = useSuggestions(name, text);
  const choices = choicesOf(name);
  const apply = (value: string) => {
    if (value.trim() === "") return;
    close();
    setQuery({ [name]: value.trim(), cursor: null });
  };
  return (
    <form
      class="row add-filter"
      onSubmit={(event) => {
        event.preventDefault();
        apply(String(new FormData(event.currentTarget).get("value") ?? ""));
      }}
    >
      <label class="pick">
        <span class="visually-hidden">{t.filter.by}</span>
        <select
          value={name}
          onChange={(event) => {
            setText("");
            setName(event.currentTarget.value as FilterName);
          }}
        >
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
      ) : isNumeric(name) ? (
        <input key={name} name="value" aria-label={t.filter.value} required type="number" min="0" step="any" />
      ) : (
        <Combobox
          key={name}
          id="filter-value"
          name="value"
          label={t.filter.value}
          options={suggestions}
          onText={setText}
          onPick={apply}
          onLeave={close}
        />
      )}
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
