import { describe, expect, it } from "vitest";
import { clockTime, hue, initials, momentTime, namesOf, spokenTime } from "./format";
import { linked, readWish, slug } from "./links";
import { Store } from "./store";

describe("the one field", () => {
  it.each([
    ["https://example.org/watch?v=1", { kind: "link", url: "https://example.org/watch?v=1" }],
    ["  http://localhost:9000/clip.mp4 ", { kind: "link", url: "http://localhost:9000/clip.mp4" }],
    ["youtu.be/abc", { kind: "link", url: "https://youtu.be/abc" }],
    ["Film night", { kind: "room", id: "Film-night" }],
    ["Zoë's café", { kind: "room", id: "Zoes-cafe" }],
    ["a_b-c", { kind: "room", id: "a_b-c" }],
    ["   ", null],
    ["!!!", null],
  ])("reads %j", (text, wish) => {
    expect(readWish(text)).toEqual(wish);
  });

  it("makes ids of at most 64 characters", () => {
    expect(slug("x".repeat(100))).toHaveLength(64);
  });
});

describe("links in a message", () => {
  it("are cut out, without what ends the sentence", () => {
    expect(linked("see https://example.org/a?b=1. ok")).toEqual([
      { text: "see ", url: null },
      { text: "https://example.org/a?b=1", url: "https://example.org/a?b=1" },
      { text: ". ok", url: null },
    ]);
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "<b>bold</b>", "ftp://example.org/x"])("are not %s", (text) => {
    expect(linked(text)).toEqual([{ text, url: null }]);
  });

  it("are escaped by their own rules", () => {
    expect(linked('https://example.org/"onclick=x')[0]?.url).toBe("https://example.org/");
  });
});

describe("words for numbers", () => {
  it("writes times", () => {
    expect([0, 7.9, 750, 3723].map(clockTime)).toEqual(["0:00", "0:07", "12:30", "1:02:03"]);
  });

  it("writes the date of a live picture as a time of day", () => {
    expect(momentTime(750)).toBe("12:30");
    expect(momentTime(1.7e9)).toBe(new Date(1.7e12).toLocaleTimeString());
  });

  it("says times", () => {
    expect([0, 61, 7200].map(spokenTime)).toEqual(["0 seconds", "1 minute 1 second", "2 hours"]);
  });

  it("joins names", () => {
    expect([["Ana"], ["Ana", "Ben"], ["Ana", "Ben", "Cleo"], ["A", "B", "C", "D"]].map(namesOf)).toEqual([
      "Ana",
      "Ana and Ben",
      "Ana, Ben and 1 other",
      "A, B and 2 others",
    ]);
  });

  it("shortens names", () => {
    const names = ["Ana", "ana bell cruz", "😀 Bo", "", "👩‍👩‍👧 Family", "🇩🇪", "é́ric", "محمد علي"];
    expect(names.map(initials)).toEqual(["A", "AC", "😀B", "?", "👩‍👩‍👧F", "🇩🇪", "É́", "مع"]);
  });

  it("gives a member one of twelve hues, the same each time", () => {
    expect(hue("guest-ana")).toBe(hue("guest-ana"));
    expect(hue("guest-ana") % 30).toBe(0);
  });
});

describe("store", () => {
  it("tells its listeners of changes, and of nothing else", () => {
    const store = new Store({ a: 1, b: 2 });
    let told = 0;
    const stop = store.subscribe(() => {
      told += 1;
    });
    store.patch({ a: 1 });
    expect(told).toBe(0);
    store.patch({ a: 3 });
    expect(told).toBe(1);
    stop();
    store.patch({ a: 4 });
    expect(told).toBe(1);
  });
});
