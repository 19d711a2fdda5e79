/** What this browser remembers of its person. Private windows may refuse; then nothing is remembered. */
export interface Prefs {
  readonly volume: number;
  readonly isMuted: boolean;
  readonly wantedHeight: number | null;
  readonly subtitleLanguage: string | null;
  readonly cueSize: "small" | "normal" | "large";
  readonly soundLanguage: string | null;
  readonly levelling: "off" | "normal" | "strong";
  /** Sound comes so much later, in seconds: for a screen that lags behind. */
  readonly soundDelay: number;
  readonly showsReactions: boolean;
  /** Separate picture and sound are played by one element, where the browser can. */
  readonly joinsPairs: boolean;
  readonly theme: "system" | "dark" | "light";
  /** A language of the page, or `browser` for the first of the browser's own that there is. */
  readonly language: string;
}

const KEY = "wt:prefs";
const DEFAULTS: Prefs = {
  volume: 1,
  isMuted: false,
  wantedHeight: null,
  subtitleLanguage: null,
  cueSize: "normal",
  soundLanguage: null,
  levelling: "off",
  soundDelay: 0,
  showsReactions: true,
  joinsPairs: true,
  theme: "system",
  language: "browser",
};

export function readPrefs(): Prefs {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...DEFAULTS, ...(typeof held === "object" ? held : {}) };
  } catch {
    return DEFAULTS;
  }
}

export function writePrefs(change: Partial<Prefs>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...readPrefs(), ...change }));
  } catch {
    // Nothing is lost but the memory.
  }
}

const YEAR_S = 365 * 24 * 3600;

/** Tells the server how the page is to look before its scripts run: `dark.de`, `system.browser`. */
export function tellLook(): void {
  const { theme, language } = readPrefs();
  const wanted = `wt_look=${theme}.${language}`;
  const held = document.cookie.split("; ").find((each) => each.startsWith("wt_look="));
  const isUsual = theme === DEFAULTS.theme && language === DEFAULTS.language;
  if (held === wanted || (held === undefined && isUsual)) return;
  // biome-ignore lint/suspicious/noDocumentCookie: the other way is not everywhere yet
  document.cookie = `${wanted}; path=/; max-age=${YEAR_S}; samesite=lax`;
}
