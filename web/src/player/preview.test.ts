import { describe, expect, it } from "vitest";
import { chapterAt, chapterStep, previewAt, shares } from "./preview";

const board = { width: 160, height: 90, columns: 2, rows: 2, interval: 5, pages: ["/a", "/b"] };
const chapters = [
  { start: 0, title: "One" },
  { start: 60, title: "Two" },
  { start: 90, title: "Three" },
];

describe("the seek bar's preview", () => {
  it.each([
    [0, "/a", 0, 0],
    [4.9, "/a", 0, 0],
    [5, "/a", 1, 0],
    [10, "/a", 0, 1],
    [20, "/b", 0, 0],
    [999, "/b", 1, 1],
    [-1, "/a", 0, 0],
  ])("of %f s is on its page", (seconds, page, column, row) => {
    expect(previewAt(board, seconds)).toEqual({ page, column, row });
  });

  it("is absent where there are no pages", () => {
    expect(previewAt({ ...board, pages: [] }, 3)).toBeNull();
  });

  it("names the chapter", () => {
    expect(chapterAt(chapters, 59.9)).toBe("One");
    expect(chapterAt(chapters, 60)).toBe("Two");
    expect(chapterAt([], 60)).toBeNull();
  });
});

describe("a step by chapters", () => {
  it("goes to the next one, and back to the beginning of this one first", () => {
    expect(chapterStep(chapters, 10, 1)).toBe(60);
    expect(chapterStep(chapters, 95, 1)).toBeNull();
    expect(chapterStep(chapters, 80, -1)).toBe(60);
    expect(chapterStep(chapters, 61, -1)).toBe(0);
  });
});

describe("what is loaded", () => {
  it("is every part, as shares of the whole", () => {
    const parts = [
      [0, 10],
      [50, 120],
    ] as const;
    const ranges: TimeRanges = {
      length: parts.length,
      start: (place) => parts[place]?.[0] ?? 0,
      end: (place) => parts[place]?.[1] ?? 0,
    };
    expect(shares(ranges, 0, 100)).toEqual([
      [0, 0.1],
      [0.5, 1],
    ]);
    expect(shares(ranges, 5, 55)).toEqual([
      [0, 0.1],
      [0.9, 1],
    ]);
    expect(shares(ranges, 0, 0)).toEqual([]);
  });
});
