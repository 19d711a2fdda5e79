/** The catalogue in `_locales`, by names that are checked. */
import type catalogue from "../_locales/en/messages.json";

export type Word = keyof typeof catalogue;

export function words(name: Word, ...inserts: readonly string[]): string {
  return chrome.i18n.getMessage(name, [...inserts]);
}

/** A problem's code in words; what has none is told as something unknown. */
export function problemWords(code: string): string {
  return chrome.i18n.getMessage(`problem_${code}`) || words("problem_broken");
}
