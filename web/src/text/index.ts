/** Which language the page speaks. Read `t` when the words are needed: it is another object after a change. */
import { readPrefs, tellLook, writePrefs } from "@/lib/prefs";
import { Store } from "@/lib/store";
import { en, type Text } from "./en";
import { pick } from "./pick";

export type { Text } from "./en";

/** In their own words, for whoever looks for theirs. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
export type LanguageChoice = Language | "browser";

/** English comes with the page and stands in for the others; each of them is a file of its own. */
const files: Readonly<Record<Language, () => Promise<Text>>> = {
  en: async () => en,
  de: async () => (await import("./de")).de,
};

export let t: Text = en;
export const language = new Store<Language>("en");
export const languageChoice = new Store<LanguageChoice>(known(readPrefs().language));

/** Speaks what was chosen here before, else what the browser asks for. Never rejects. */
export function speak(): Promise<void> {
  const choice = languageChoice.get();
  return load(choice === "browser" ? pick(navigator.languages, codes(), "en") : choice);
}

export function chooseLanguage(choice: LanguageChoice): Promise<void> {
  languageChoice.set(choice);
  writePrefs({ language: choice });
  tellLook();
  return speak();
}

/** How this person writes dates and figures, in the language of the page: `en-GB` stays so on an English page. */
export function locale(): string {
  const spoken = language.get();
  return globalThis.navigator?.languages.find((each) => each.split("-")[0] === spoken) ?? spoken;
}

async function load(next: Language): Promise<void> {
  try {
    await speakIn(next);
    document.documentElement.lang = next;
  } catch {
    // The file cannot be had now: the page goes on in the language that it has.
  }
}

/** Speaks a language; where there is no page, too. Rejects when its file cannot be had. */
export async function speakIn(next: Language): Promise<void> {
  t = await files[next]();
  language.set(next);
}

function codes(): readonly Language[] {
  return Object.keys(LANGUAGES) as Language[];
}

function known(choice: string): LanguageChoice {
  return codes().find((code) => code === choice) ?? "browser";
}
