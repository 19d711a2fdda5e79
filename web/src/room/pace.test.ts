import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pace } from "./pace";

describe("a key that is held down", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => vi.useRealTimers());

  it("does the first at once and the last at the end, and between them no more than is due", () => {
    const pace = new Pace(200);
    const done: number[] = [];
    for (let press = 0; press < 30; press += 1) {
      pace.run(() => done.push(press));
      vi.advanceTimersByTime(33);
    }
    vi.advanceTimersByTime(1000);
    expect(done[0]).toBe(0);
    expect(done.at(-1)).toBe(29);
  });

  it("does nothing any more once it is cancelled, and at once what comes later", () => {
    const pace = new Pace(200);
    const done: string[] = [];
    expect(pace.run(() => done.push("first"))).toBe(true);
    expect(pace.run(() => done.push("second"))).toBe(false);
    pace.cancel();
    vi.advanceTimersByTime(1000);
    expect(pace.run(() => done.push("third"))).toBe(true);
    expect(done).toEqual(["first", "third"]);
  });
});
