import { describe, expect, it } from "vitest";
import { Holes } from "./holes";

/** Asks for the piece that begins at `start` until it is left out, or twice. */
function missed(holes: Holes, start: number): boolean {
  return holes.miss(`piece ${start}`, start, 2) || holes.miss(`piece ${start}`, start, 2);
}

describe("a piece that is not there", () => {
  it("is asked for once more, then left out, and stays left out", () => {
    const holes = new Holes("film");
    expect([1, 2, 3].map(() => holes.miss("a", 10, 2))).toEqual([false, true, true]);
    expect(holes.all).toEqual([{ start: 10, end: 12 }]);
  });

  it("of a live stream may still be on its way", () => {
    const holes = new Holes("live");
    expect([1, 2, 3].map(() => holes.miss("a", 10, 2))).toEqual([false, false, true]);
  });

  it("is no hole any more when many in a row are missing", () => {
    const holes = new Holes("film");
    expect([0, 2, 4, 6, 8, 10].map((start) => missed(holes, start))).toEqual([true, true, true, true, true, false]);
    holes.came(12);
    expect(missed(holes, 14)).toBe(true);
  });

  it("is none when another quality has it", () => {
    const holes = new Holes("film");
    missed(holes, 10);
    missed(holes, 2);
    expect(holes.all.map(({ start }) => start)).toEqual([2, 10]);
    holes.came(10);
    expect(holes.all).toEqual([{ start: 2, end: 4 }]);
  });
});
