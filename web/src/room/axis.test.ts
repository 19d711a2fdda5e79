import { describe, expect, it } from "vitest";
import type { LiveWindow } from "@/sync/live";
import { type Course, filmAxis, liveAxis, shareOf } from "./axis";

const DAY = 1.7e9;

/** A room at a position in a live window, or in a film of 200 s, that notes what it is told. */
function course(position: number, past: LiveWindow | null): Course & { readonly told: readonly string[] } {
  const told: string[] = [];
  return {
    past,
    told,
    position: () => position,
    duration: () => (past === null ? 200 : null),
    seek: (to) => void told.push(`seek ${to}`),
    seekShare: (share) => void told.push(`share ${share}`),
    goLive: () => void told.push("live"),
    player: { view: { position: position - 0.5 }, element: { currentTime: 40 } },
  };
}

const past: LiveWindow = { start: DAY, end: DAY + 120, segment: 4 };

describe("the seek bar of a live stream", () => {
  it("counts from where it is live, back to the window's beginning", () => {
    const span = liveAxis(course(DAY + 78, past)).span();
    expect(span).toMatchObject({ first: -108, last: 0, at: -30, origin: DAY + 108 });
    expect(span && shareOf(span.at, span)).toBeCloseTo(78 / 108);
    // What the element has at 40 s is what the room has half a second before its position.
    expect(span && span.media + 40).toBeCloseTo(-30.5);
  });

  it("is not there where there is nothing to go back in", () => expect(liveAxis(course(DAY, null)).span()).toBeNull());

  it("keeps a room that has slid out, or is ahead, at its ends", () => {
    expect(liveAxis(course(DAY - 20, past)).span()?.at).toBe(-108);
    expect(liveAxis(course(DAY + 115, past)).span()?.at).toBe(0);
  });

  it("seeks by dates, and at its end to where it is live by then", () => {
    const room = course(DAY + 78, past);
    const axis = liveAxis(room);
    axis.seek(-60);
    axis.seek(-0.2);
    axis.toFirst();
    axis.toLast();
    expect(room.told).toEqual([`seek ${DAY + 48}`, "live", "share 0", "live"]);
  });

  it("says how far behind live a place is, to eyes and ears", () => {
    const axis = liveAxis(course(DAY, past));
    const span = axis.span();
    if (span === null) throw new Error("no span");
    expect(axis.shown(-83)).toBe("-1:23");
    expect(axis.shown(-0.4)).toBe("LIVE");
    expect(axis.spoken(-83, span)).toBe("1 minute 23 seconds behind live");
    expect(axis.spoken(0, span)).toBe("Live");
  });
});

describe("the seek bar of a film", () => {
  it("counts from its start", () => {
    const room = course(50, null);
    const axis = filmAxis(room);
    const span = axis.span();
    if (span === null) throw new Error("no span");
    expect(shareOf(span.at, span)).toBe(0.25);
    expect(axis.spoken(50, span)).toBe("50 seconds of 3 minutes 20 seconds");
    axis.seek(120);
    expect(room.told).toEqual(["seek 120"]);
  });
});
