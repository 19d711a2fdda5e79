import { describe, expect, it } from "vitest";
import { Gestures } from "./gestures";

function tap(gestures: Gestures, x: number, now: number) {
  gestures.down(x, 0.5);
  return gestures.up(x, now);
}

describe("two taps", () => {
  it.each([
    [0.1, -10],
    [0.9, 10],
  ])("at %f of the width are %i seconds", (x, seconds) => {
    const gestures = new Gestures();
    expect(tap(gestures, x, 0)).toBeNull();
    expect(tap(gestures, x, 200)).toEqual({ kind: "skip", seconds });
    expect(tap(gestures, x, 400)).toEqual({ kind: "skip", seconds });
  });

  it("in the middle, on two sides, or far apart in time are nothing", () => {
    const gestures = new Gestures();
    tap(gestures, 0.5, 0);
    expect(tap(gestures, 0.5, 100)).toBeNull();
    expect(tap(gestures, 0.1, 200)).toBeNull();
    expect(tap(gestures, 0.9, 300)).toBeNull();
    expect(tap(gestures, 0.9, 900)).toBeNull();
  });
});

describe("a swipe", () => {
  it("up on the right is louder by how far it goes", () => {
    const gestures = new Gestures();
    gestures.down(0.8, 0.7);
    expect(gestures.move(0.8, 0.68)).toBeNull();
    expect(gestures.move(0.8, 0.5)).toEqual({ kind: "volume", by: expect.closeTo(0.25) });
    expect(gestures.move(0.8, 0.58)).toEqual({ kind: "volume", by: expect.closeTo(-0.1) });
    expect(gestures.up(0.8, 0)).toBeNull();
  });

  it("on the left, or to the side, is nothing", () => {
    const gestures = new Gestures();
    gestures.down(0.2, 0.7);
    expect(gestures.move(0.2, 0.3)).toBeNull();
    gestures.down(0.6, 0.5);
    expect(gestures.move(0.9, 0.6)).toBeNull();
  });

  it("is no tap", () => {
    const gestures = new Gestures();
    tap(gestures, 0.9, 0);
    gestures.down(0.9, 0.8);
    gestures.move(0.9, 0.4);
    expect(gestures.up(0.9, 100)).toBeNull();
    expect(tap(gestures, 0.9, 800)).toBeNull();
  });
});
