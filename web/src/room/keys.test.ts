import { describe, expect, it } from "vitest";
import { KEYS, keyOf, nextRate } from "./keys";

describe("the keys", () => {
  it("are found in both cases, except where shift means something else", () => {
    expect(keyOf("K")).toBe(keyOf("k"));
    expect(keyOf("D")?.name).toBe("figures");
    expect(keyOf("d")).toBeNull();
    expect(keyOf("N")?.name).toBe("next");
    expect(keyOf("n")).toBeNull();
    expect(keyOf("Enter")).toBeNull();
  });

  it("mean one thing each", () => {
    const all = KEYS.flatMap(({ keys }) => keys);
    expect(new Set(all).size).toBe(all.length);
  });

  it("step through the speeds and stop at the ends", () => {
    expect(nextRate(1, 1)).toBe(1.25);
    expect(nextRate(1.1, -1)).toBe(1);
    expect(nextRate(2, 1)).toBe(2);
    expect(nextRate(0.5, -1)).toBe(0.5);
  });
});
