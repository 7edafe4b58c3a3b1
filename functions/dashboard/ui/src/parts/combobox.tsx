import { useEffect, useRef, useState } from "preact/hooks";
import { visible } from "../safe";
import { t } from "../text";

export interface Option {
  value: string;
  /** What people call the value, where that is another name. */
  label: string | null;
  /** Of what it has how much. */
  note: string;
}

interface ComboboxProps {
  id: string;
  name: string;
  label: string;
  /** For the text that is there now. */
  options: readonly Option[];
  onText: (text: string) => void;
  onPick: (value: string) => void;
  /** Escape, with no list to close. */
  onLeave: () => void;
}

/** A text field with a list of values that it may have: the pattern "combobox" of ARIA. Other values may be typed. */
export function Combobox({ id, name, label, options, onText, onPick, onLeave }: ComboboxProps) {
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const isOpen = open && options.length > 0;
  const at = isOpen ? Math.min(active, options.length - 1) : -1;
  useEffect(() => field.current?.focus(), []);
  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = options.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const down = event.key === "ArrowDown";
      setOpen(true);
      setActive(down ? (at >= last ? 0 : at + 1) : at <= 0 ? last : at - 1);
    } else if (event.key === "Escape") {
      if (isOpen) setOpen(false);
      else onLeave();
    } else if (event.key === "Enter" && at >= 0) {
      onPick(options[at]?.value ?? "");
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <span class="combobox">
      <input
        ref={field}
        type="text"
        name={name}
        aria-label={label}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        required
        maxLength={400}
        autoComplete="off"
        spellcheck={false}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onInput={(event) => {
          setOpen(true);
          setActive(-1);
          onText(event.currentTarget.value);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        id={`${id}-list`}
        class="options"
        role="listbox"
        aria-label={t.filter.suggested}
        hidden={!isOpen}
        // The field keeps the focus.
        onMouseDown={(event) => event.preventDefault()}
      >
        {options.map((option, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the field has the focus and the keys
          <div
            key={option.value}
            id={`${id}-${index}`}
            class="option"
            role="option"
            aria-selected={index === at}
            onClick={() => onPick(option.value)}
          >
            <bdi class="name">{visible(option.label ?? option.value)}</bdi>
            {option.label !== null && option.label !== option.value && (
              <bdi class="name mono muted">{visible(option.value)}</bdi>
            )}
            <span class="muted num">{option.note}</span>
          </div>
        ))}
      </div>
      <span class="visually-hidden" role="status">
        {isOpen ? t.filter.suggestions(options.length) : ""}
      </span>
    </span>
  );
}
