import { type Prefs, readPrefs, tellLook, writePrefs } from "./prefs";
import { Store } from "./store";

export type Theme = Prefs["theme"];

export const theme = new Store<Theme>(readPrefs().theme);

export function setTheme(next: Theme): void {
  theme.set(next);
  writePrefs({ theme: next });
  tellLook();
  paintTheme();
}

/** The style sheet follows the system by itself; only another choice has to be said. */
export function paintTheme(): void {
  const chosen = theme.get();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
