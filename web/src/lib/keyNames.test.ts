import { afterEach, describe, expect, it } from "vitest";
import { speakIn, t } from "@/text";
import { isApple, keyName } from "./keyNames";

describe("the name of a key", () => {
  afterEach(() => speakIn("en"));

  it.each(["en", "de"] as const)("is written in signs for Apple's keyboards, in %s", async (language) => {
    await speakIn(language);
    const { places, table } = t.keys;
    expect([places.paste, places.move, table.figures].map(({ shown }) => keyName(shown, true))).toEqual([
      "⌘V",
      "⌥ ↑ ↓",
      "⇧D",
    ]);
    expect(keyName(table.togglePlay.shown, true)).toBe(table.togglePlay.shown);
  });

  it("is spelled out for all others", () => expect(keyName(t.keys.places.paste.shown, false)).toBe("Ctrl V"));

  it("goes by the platform that the browser tells", () => {
    expect(["MacIntel", "iPad", "Win32", "Linux x86_64", ""].map((platform) => isApple(platform))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
