import { describe, expect, it } from "vitest";
import { SingleTransport } from "./single";
import { type Coordinate, SAME } from "./transport";

/** An element with one second's share of what the transport reads. */
function element(change: Partial<HTMLVideoElement> = {}): HTMLVideoElement {
  const plain = { currentTime: 9.9, duration: 10, readyState: 2, paused: false, seeking: false, ended: false };
  return { ...plain, ...change } as HTMLVideoElement;
}

const LIVE: Coordinate = { toRoom: (time) => time + 1_700_000_000, toMedia: (position) => position - 1_700_000_000 };

describe("one element", () => {
  it("takes the last frame of a film for its end, not for a stall", () => {
    expect(new SingleTransport(element(), SAME).view).toMatchObject({ isStalled: false, duration: 10 });
    expect(new SingleTransport(element({ currentTime: 5 }), SAME).view.isStalled).toBe(true);
  });

  it("takes the newest frame of a live stream for a stall, until it is over", () => {
    expect(new SingleTransport(element(), LIVE).view).toMatchObject({ isStalled: true, duration: null });
    expect(new SingleTransport(element({ ended: true }), LIVE).view.isStalled).toBe(false);
  });

  it("knows no length that never ends", () => {
    expect(new SingleTransport(element({ duration: Number.POSITIVE_INFINITY }), SAME).view.duration).toBeNull();
  });
});
