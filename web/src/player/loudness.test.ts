import { describe, expect, it } from "vitest";
import { amplitude, decibels, Leveller, rootMeanSquare, softened } from "./loudness";

/** The gain after some seconds of sound at one level. */
function gainAfter(
  seconds: number,
  level: number,
  mode: "off" | "normal" | "strong",
  leveller = new Leveller(),
): number {
  let gain = 0;
  for (let time = 0; time < seconds; time += 0.25) gain = leveller.next(mode, amplitude(level), 0.25);
  return gain;
}

describe("an even loudness", () => {
  it("leaves everything alone while it is off", () => {
    expect(gainAfter(20, -40, "off")).toBe(0);
  });

  it("turns a quiet film up to the target, and no further than allowed", () => {
    expect(gainAfter(30, -25, "normal")).toBeCloseTo(4, 1);
    expect(gainAfter(30, -45, "normal")).toBe(9);
    expect(gainAfter(30, -45, "strong")).toBe(18);
  });

  it("turns a loud film down sooner than a quiet one up", () => {
    expect(gainAfter(1, -5, "normal")).toBeLessThan(-6);
    expect(gainAfter(1, -40, "normal")).toBeLessThan(2);
  });

  it("does not turn up silence", () => {
    const leveller = new Leveller();
    const before = gainAfter(20, -21, "normal", leveller);
    expect(gainAfter(60, -70, "normal", leveller)).toBeCloseTo(before, 5);
  });

  it("begins anew with another film", () => {
    const leveller = new Leveller();
    gainAfter(30, -40, "strong", leveller);
    leveller.reset();
    expect(leveller.next("strong", 0, 0.25)).toBe(0);
  });

  it("is measured in decibels of full scale", () => {
    expect(decibels(1)).toBe(0);
    expect(amplitude(-20)).toBeCloseTo(0.1);
    expect(rootMeanSquare(Float32Array.of(0.5, -0.5, 0.5, -0.5))).toBeCloseTo(0.5);
    expect(rootMeanSquare(new Float32Array(0))).toBe(0);
  });
});

describe("a sample that is too loud", () => {
  it("is left alone up to the knee, and never passes full scale beyond", () => {
    for (const sample of [0, 0.3, -0.85]) expect(softened(sample)).toBe(sample);
    for (const sample of [1, 2, 16, -1, -16]) expect(Math.abs(softened(sample))).toBeLessThanOrEqual(1);
    expect(softened(1)).toBeGreaterThan(softened(0.9));
    expect(softened(-1.2)).toBe(-softened(1.2));
  });
});
