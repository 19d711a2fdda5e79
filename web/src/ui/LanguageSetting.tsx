import { Languages } from "lucide-react";
import { useStore } from "@/lib/store";
import { chooseLanguage, LANGUAGES, type LanguageChoice, languageChoice, t } from "@/text";
import { optionsOf, Select } from "./Select";

function choose(value: string): void {
  void chooseLanguage(value as LanguageChoice);
}

/** The languages in their own words, and the browser's choice. */
export function LanguageSetting() {
  const chosen = useStore(languageChoice, (value) => value);
  return (
    <Select
      label={t.language.label}
      options={optionsOf({ browser: t.language.likeBrowser, ...LANGUAGES })}
      value={chosen}
      isReadOnly={false}
      onChange={choose}
    />
  );
}

/** The same as a picture of itself, for a header. */
export function LanguageButton() {
  const chosen = useStore(languageChoice, (value) => value);
  return (
    <span className="relative grid size-10 place-items-center rounded-control hover:bg-hover has-focus-visible:outline-2 has-focus-visible:outline-accent touch:size-11">
      <Languages size={18} aria-hidden className="text-dim" />
      <select
        aria-label={t.language.label}
        title={t.language.label}
        value={chosen}
        onChange={(event) => choose(event.target.value)}
        className="absolute inset-0 cursor-pointer appearance-none opacity-0"
      >
        {optionsOf({ browser: t.language.likeBrowser, ...LANGUAGES }).map(({ value, label }) => (
          <option key={value} value={value} className="bg-raised text-ink">
            {label}
          </option>
        ))}
      </select>
    </span>
  );
}
