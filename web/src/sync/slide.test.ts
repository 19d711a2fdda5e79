import { describe, expect, it } from "vitest";
import { countsAsLive, hasPast, type LiveWindow, livePoint } from "./live";
import { Slide } from "./slide";

const SEGMENT = 4;
/** What a playlist of `count` segments says at `now`, asked for twice a segment as players do. */
function told(now: number, count: number): LiveWindow {
  const end = Math.floor((Math.floor(now / 2) * 2) / SEGMENT) * SEGMENT + 1.7e9;
  return { start: end - count * SEGMENT, end, segment: SEGMENT };
}

describe("a window that slides", () => {
  it("goes with the time and not with the playlists, once it has seen some", () => {
    const slide = new Slide();
    const shown = Array.from({ length: 400 }, (_, place) => {
      const now = 1000 + place / 4;
      const { start, end } = slide.read(now, told(now, 30));
      return { start: start - now, end: end - now };
    }).slice(4 * SEGMENT * 2);
    expect(new Set(shown.map(({ end }) => end.toFixed(3))).size).toBe(1);
    expect(new Set(shown.map(({ start }) => start.toFixed(3))).size).toBe(1);
  });

  it("never shows more of the end than there is", () => {
    const slide = new Slide();
    for (let now = 1000; now < 1100; now += 0.25) {
      const window = told(now, 30);
      expect(slide.read(now, window).end).toBeLessThanOrEqual(window.end + 1e-6);
    }
  });

  it("keeps a beginning that stands where it is, as of a programme that is kept whole", () => {
    const slide = new Slide();
    for (let now = 1000; now < 1100; now += 0.25) {
      const window = { ...told(now, 30), start: 1.7e9 };
      expect(slide.read(now, window).start).toBeCloseTo(1.7e9, 3);
    }
  });

  it("stands while nothing new is told, and is another at once after a jump", () => {
    const slide = new Slide();
    const window = told(1000, 30);
    slide.read(1000, window);
    expect(slide.read(1060, window).end).toBeCloseTo(window.end, 3);
    expect(slide.read(1061, told(1061, 30)).end).toBeCloseTo(told(1061, 30).end, 3);
  });
});

describe("the live point", () => {
  const window: LiveWindow = { start: 1.7e9, end: 1.7e9 + 120, segment: 4 };

  it("is some segments before the end, but never before the beginning", () => {
    expect(livePoint(window)).toBe(1.7e9 + 108);
    expect(livePoint({ ...window, end: 1.7e9 + 8 })).toBe(1.7e9);
  });

  it("is live for everybody within a segment or so of it", () => {
    expect(countsAsLive(6, window)).toBe(true);
    expect(countsAsLive(-3, window)).toBe(true);
    expect(countsAsLive(12, window)).toBe(false);
  });

  it("is all there is where the window is what players need in hand", () => {
    expect(hasPast(window)).toBe(true);
    expect(hasPast({ ...window, end: 1.7e9 + 24 })).toBe(false);
  });
});
