import { afterEach, describe, expect, it, vi } from "vitest";
import { spokenTime } from "@/lib/format";
import { de } from "./de";
import { en } from "./en";
import { chooseLanguage, LANGUAGES, language, t } from "./index";
import { pick } from "./pick";
import { pluralIn } from "./plural";
import { serverWords } from "./server";

/** The paths of all words in a catalogue. */
function keysOf(value: unknown, path = ""): readonly string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keysOf(inner, `${path}.${key}`));
}

/** Every word as it would be shown, functions called with figures and names. */
function said(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "function") return [1, 2].map((count) => String(value(count, count, count, count)));
  return Object.values(value as object).flatMap(said);
}

// Codes that a language may know or not; the server's own words stand in.
const isOptional = (key: string) => key.startsWith(".refusals.byCode");

describe.each(Object.entries({ en, de }))("the catalogue %s", (_code, catalogue) => {
  it("has every key, and none that nobody asks for", () => {
    expect(keysOf(catalogue).filter((key) => !isOptional(key))).toEqual(keysOf(en).filter((key) => !isOptional(key)));
  });

  it("leaves nothing empty or undefined", () => {
    for (const words of said(catalogue)) {
      expect(words.trim()).not.toBe("");
      expect(words).not.toMatch(/undefined|null|NaN|\[object/);
    }
  });
});

describe("the languages", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("are all tested here", () => expect(Object.keys(LANGUAGES).sort()).toEqual(["de", "en"]));

  it.each([
    [["de-AT", "en"], "de"],
    [["fr", "DE"], "de"],
    [["fr-CA"], "en"],
    [[], "en"],
  ])("for %j is picked %s", (wanted, picked) => expect(pick(wanted, ["en", "de"], "en")).toBe(picked));

  it("change with a choice, for everything that is said after it", async () => {
    vi.stubGlobal("document", { documentElement: { lang: "en" }, cookie: "" });
    let held: string | null = null;
    vi.stubGlobal("localStorage", { getItem: () => held, setItem: (_key: string, text: string) => (held = text) });
    await chooseLanguage("de");
    expect(t.player.play).toBe("Abspielen");
    expect(spokenTime(3662)).toBe("1 Stunde 1 Minute 2 Sekunden");
    expect(document.documentElement.lang).toBe("de");
    expect(document.cookie).toMatch(/^wt_look=system\.de; path=\/;/);
    expect(serverWords({ live: "Live." }, "live", "It is live.")).toBe("Live.");
    expect(serverWords({}, "odd", "Something odd.")).toBe("Something odd.");
    await chooseLanguage("en");
    expect(t.player.play).toBe("Play");
    expect(language.get()).toBe("en");
    expect(serverWords({ live: "Live." }, "live", "It is live.")).toBe("It is live.");
  });
});

describe("a counted thing", () => {
  it("takes the form that the language has for the number", () => {
    const russian = pluralIn("ru");
    const forms = { one: "видео (1)", few: "few", many: "many", other: "other" };
    expect([1, 3, 5, 21].map((count) => russian(count, forms))).toEqual(["видео (1)", "few", "many", "видео (1)"]);
    expect(pluralIn("en")(2, { other: "others" })).toBe("others");
  });
});
