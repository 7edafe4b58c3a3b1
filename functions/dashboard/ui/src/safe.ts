// Text that others wrote, made harmless to the eye: controls that would reorder or hide it are shown by their numbers.

/** Bidirectional controls, zero-width characters, and control characters other than tab and line breaks. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u061c]/g;

/** `⟨U+202E⟩` in the place of what cannot be seen. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (found) => `⟨U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** How many characters of one text are shown at first. */
export const FIRST = 8_000;

/** JSON for people. */
export function pretty(value: unknown): string {
  try {
    return JSON.stringify(value, null, 2) ?? "";
  } catch {
    return String(value);
  }
}
