import { useEffect, useState } from "preact/hooks";
import { FILTER_OF } from "../api/ask";
import { follow, pathOf, type Schemas } from "../api/client";
import { useAnswer } from "../api/query";
import { setQuery } from "../router";
import { choicesOf, FACET_FILTERS, type FilterName, isNumeric, pickFilters, view, windowParams } from "../state";
import { t } from "../text";
import { Combobox, type Option } from "./combobox";

/** How many values are suggested at most. */
const SUGGESTED = 50;

/** The dimension that a filter chooses one of. */
const DIMENSIONS: Partial<Record<FilterName, string>> = {
  ...Object.fromEntries(Object.entries(FILTER_OF).map(([dimension, name]) => [name, dimension])),
  error_class: "error_class",
};

/** The text, when it has not changed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const later = setTimeout(() => setSettled(text), 150);
    return () => clearTimeout(later);
  }, [text]);
  return settled;
}

/** The values that a filter can have in this window beside the other filters, the most frequent first. */
function useSuggestions(name: FilterName, text: string): Option[] {
  const dimension = DIMENSIONS[name];
  const prefix = useSettled(text.trim());
  const others = pickFilters(FACET_FILTERS.filter((other) => other !== name));
  const query = { ...windowParams.value, ...others, prefix, limit: SUGGESTED };
  const path = dimension ? pathOf(`/api/v1/facets/${dimension}`, query) : null;
  const asked = useAnswer(path, (signal) => follow<Schemas["Facet"][]>(path ?? "", signal));
  // Those of the text before fit this one in part.
  const wanted = text.trim().toLocaleLowerCase();
  const fits = (value: string) => value.toLocaleLowerCase().startsWith(wanted);
  return (path ? (asked.data ?? []) : [])
    .filter(({ value, label }) => fits(value) || (label != null && fits(label)))
    .map(({ value, label, total_requests }) => ({
      value,
      label: label ?? null,
      note: t.filter.requests(total_requests),
    }));
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
