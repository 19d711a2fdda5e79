import { describe, expect, it } from "vitest";
import { Trail } from "./history";

describe("a chart's line", () => {
  it("ends at the right with what is newest and forgets what is oldest", () => {
    const trail = new Trail(3);
    for (const value of [9, 0, 1, -1]) trail.add(value);
    expect(trail.lines(100, 10, 2)).toEqual([
      [
        [0, 5],
        [50, 2.5],
        [100, 7.5],
      ],
    ]);
    expect(trail.worst).toBe(1);
  });

  it("has gaps where nothing was known, and stays in its box", () => {
    const trail = new Trail(3);
    for (const value of [50, null, -50]) trail.add(value);
    expect(trail.lines(100, 10, 2)).toEqual([[[0, 0]], [[100, 10]]]);
  });
});
