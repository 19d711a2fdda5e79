import { useStore } from "@/lib/store";
import { chooseLanguage, LANGUAGES, type LanguageChoice, languageChoice, t } from "@/text";
import { optionsOf, Select } from "./Select";

/** The languages in their own words, and the browser's choice. */
export function LanguageSetting() {
  const chosen = useStore(languageChoice, (value) => value);
  return (
    <Select
      label={t.language.label}
      options={optionsOf({ browser: t.language.likeBrowser, ...LANGUAGES })}
      value={chosen}
      isReadOnly={false}
      onChange={(value) => void chooseLanguage(value as LanguageChoice)}
    />
  );
}
