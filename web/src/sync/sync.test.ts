import { describe, expect, it } from "vitest";
import { SeekCost } from "./cost";
import { correct, keepGoing, tighten } from "./drift";
import { Follower, type MediaView, type Orders } from "./follower";
import { dateOffset, type LiveWindow } from "./live";
import { type Anchor, positionAt } from "./position";

const playing: Anchor = { position: 10, at: 1000, rate: 1, isPlaying: true };
const paused: Anchor = { ...playing, isPlaying: false };

function media(change: Partial<MediaView> = {}): MediaView {
  return {
    position: 0,
    duration: 100,
    isReady: true,
    isPaused: false,
    isSeeking: false,
    isStalled: false,
    isEnded: false,
    ...change,
  };
}

describe("position", () => {
  it("runs with the room's rate from the anchor", () => {
    expect(positionAt({ ...playing, rate: 1.5 }, 1004, null)).toBe(16);
    expect(positionAt(paused, 1004, null)).toBe(10);
  });

  it("stands still before the start and at the end", () => {
    expect(positionAt(playing, 999, null)).toBe(10);
    expect(positionAt(playing, 2000, 60)).toBe(60);
  });
});

describe("bands on a heartbeat", () => {
  it.each([
    [3.01, { kind: "seek" }],
    [-3.01, { kind: "seek" }],
    [3, { kind: "rate", factor: 0.95 }],
    [0.51, { kind: "rate", factor: 0.95 }],
    [-0.51, { kind: "rate", factor: 1.05 }],
    [-3, { kind: "rate", factor: 1.05 }],
    [0.5, { kind: "rate", factor: 1 }],
    [-0.5, { kind: "rate", factor: 1 }],
    [0, { kind: "rate", factor: 1 }],
  ])("at %f s", (drift, correction) => {
    expect(correct(drift, 1)).toEqual(correction);
  });

  it("let a correction once begun run on until 0.1 s", () => {
    expect(correct(0.3, 0.95)).toEqual({ kind: "rate", factor: 0.95 });
    expect(correct(0.09, 0.95)).toEqual({ kind: "rate", factor: 1 });
  });

  it("end a correction that has gone past", () => {
    expect(keepGoing(-0.2, 0.95, 0.1)).toBe(1);
    expect(keepGoing(0.2, 0.95, 0.1)).toBe(0.95);
  });
});

describe("tight sync", () => {
  it("begins at 40 ms and ends at 10", () => {
    expect(tighten(0.039, 1)).toBe(1);
    expect(tighten(0.041, 1)).toBeLessThan(1);
    expect(tighten(-0.041, 1)).toBeGreaterThan(1);
    expect(tighten(0.011, 0.99)).toBeLessThan(1);
    expect(tighten(0.009, 0.99)).toBe(1);
  });

  it("is in proportion, by two per cent at most", () => {
    expect(tighten(0.06, 1)).toBeCloseTo(0.985);
    expect(tighten(0.45, 1)).toBeCloseTo(0.98);
    expect(tighten(-0.45, 1)).toBeCloseTo(1.02);
  });

  it("ends when the target was passed", () => {
    expect(tighten(-0.03, 0.98)).toBe(1);
  });

  it("leaves the bands as they are beyond half a second", () => {
    const follower = new Follower();
    follower.setTight(true);
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11 });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) - 0.6 };
    expect(follower.tick(tape.now, tape.view, true).rate).toBe(1.05);
  });

  it("never hurries at the edge of a live stream", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11, isAtEdge: true });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) - 0.6 };
    expect(follower.tick(tape.now, tape.view, true).rate).toBe(1);
  });
});

describe("live rooms", () => {
  const window: LiveWindow = { start: 1.7e9, end: 1.7e9 + 60, segment: 2 };
  const undated: Anchor = { position: 12, at: 1.7e9 + 40, rate: 1, isPlaying: true };

  it("play four segments behind the clock while nobody has paused or sought, wherever a viewer joins", () => {
    const offset = dateOffset(undated, window, 1.7e9 + 61) ?? Number.NaN;
    expect(positionAt(undated, 1.7e9 + 61, null) + offset).toBeCloseTo(1.7e9 + 53);
    const beaten = { ...undated, position: 17, at: undated.at + 5 };
    expect(dateOffset(beaten, window, 1.7e9 + 61)).toBeCloseTo(offset);
  });

  it("have dates as positions once somebody has", () => {
    expect(dateOffset({ ...undated, position: 1.7e9 + 20 }, window, 1.7e9 + 61)).toBe(0);
  });

  it("cannot be compared where the stream's dates are not of our time", () => {
    expect(dateOffset(undated, window, 1.7e9 + 67)).toBeNull();
    expect(dateOffset(undated, window, 1.7e9 + 7)).toBeNull();
    expect(dateOffset(undated, window, 1.8e9)).toBeNull();
  });
});

describe("seek cost", () => {
  it("is learned from the first landing and smoothed afterwards", () => {
    const cost = new SeekCost();
    cost.landed(-0.2);
    expect(cost.seconds).toBeCloseTo(0.2);
    cost.landed(0.1);
    expect(cost.seconds).toBeCloseTo(0.15);
  });

  it("is not learned from a download, nor below nothing", () => {
    const cost = new SeekCost();
    cost.landed(-4);
    expect(cost.seconds).toBe(0);
    cost.landed(2);
    expect(cost.seconds).toBe(0);
  });
});

/** A media element of plain numbers, driven at 4 Hz. */
class Tape {
  view: MediaView;
  rate = 1;
  readonly seeks: number[] = [];

  constructor(
    readonly follower: Follower,
    public now: number,
    start: Partial<MediaView>,
    private readonly landsBehind = 0,
  ) {
    this.view = media(start);
  }

  run(seconds: number, beats = true): void {
    for (const end = this.now + seconds; this.now < end - 1e-9; this.now += 0.25) {
      this.obey(this.follower.tick(this.now, this.view, beats && this.now % 5 < 1e-6));
      const position = this.view.position ?? 0;
      if (!this.view.isPaused && !this.view.isStalled)
        this.view = { ...this.view, position: position + 0.25 * this.rate };
    }
  }

  drift(): number {
    return this.follower.drift(this.now, this.view) ?? Number.NaN;
  }

  private obey(orders: Orders): void {
    this.rate = orders.rate;
    this.view = { ...this.view, isPaused: !orders.play };
    if (orders.seekTo === null) return;
    this.seeks.push(orders.seekTo);
    this.view = { ...this.view, position: orders.seekTo - this.landsBehind };
  }
}

describe("following", () => {
  it("waits at the position until the scheduled start, then plays", () => {
    const follower = new Follower();
    follower.follow({ ...playing, at: 1000.4 }, "start");
    expect(follower.tick(1000, media({ isPaused: true, position: 3 }))).toEqual({ play: false, rate: 1, seekTo: 10 });
    expect(follower.tick(1000.25, media({ isPaused: true, position: 10 })).play).toBe(false);
    expect(follower.tick(1000.4, media({ isPaused: true, position: 10 }))).toEqual({
      play: true,
      rate: 1,
      seekTo: null,
    });
  });

  it("plays on until a scheduled pause is due, then stands on the room's frame", () => {
    const follower = new Follower();
    follower.follow({ ...paused, at: 1000.4 }, "stop");
    expect(follower.tick(1000, media({ position: 9.6 })).play).toBe(true);
    expect(follower.tick(1000.4, media({ position: 10.1 }))).toEqual({ play: false, rate: 1, seekTo: 10 });
  });

  it("seeks a paused picture once, wherever it lands", () => {
    const follower = new Follower();
    follower.follow(paused, "stop");
    expect(follower.tick(1001, media({ isPaused: true, position: 12 })).seekTo).toBe(10);
    expect(follower.tick(1002, media({ isPaused: true, position: 10.08 })).seekTo).toBeNull();
  });

  it("joins a playing room with one seek", () => {
    const follower = new Follower();
    follower.follow(playing, "jump");
    const tape = new Tape(follower, 1004, { isPaused: true });
    tape.run(4);
    expect(tape.seeks).toEqual([14]);
    expect(tape.drift()).toBeCloseTo(0, 6);
  });

  it("does nothing while nothing is loaded", () => {
    const follower = new Follower();
    follower.follow(playing, "jump");
    expect(follower.tick(1004, media({ isReady: false })).play).toBe(false);
  });

  it("trims once after a start that came late, and learns what the seek cost", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1000, { position: 9.7 }, 0.15);
    tape.run(3);
    expect(tape.seeks).toHaveLength(1);
    expect(tape.drift()).toBeCloseTo(-0.15, 6);
    expect(follower.cost.seconds).toBeCloseTo(0.15, 6);
  });

  it("trims a small offset by speed, within three seconds", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1000, { position: 9.9 });
    tape.run(1);
    expect(tape.rate).toBe(1.05);
    tape.run(2);
    expect(tape.seeks).toEqual([]);
    expect(tape.rate).toBe(1);
    expect(Math.abs(tape.drift())).toBeLessThan(0.03);
  });

  it("leaves an offset inside the band alone once it has settled", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11 });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) - 0.4 };
    tape.run(20);
    expect(tape.seeks).toEqual([]);
    expect(tape.drift()).toBeCloseTo(-0.4, 6);
  });

  it("starts a speed correction on a heartbeat only, and ends it between them", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11 });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) - 0.6 };
    tape.run(0.75, false);
    expect(tape.rate).toBe(1);
    follower.tick(tape.now, tape.view, true);
    tape.run(0.25, false);
    expect(tape.rate).toBe(1.05);
    tape.run(12, false);
    expect(tape.rate).toBe(1);
    expect(tape.drift()).toBeGreaterThan(-0.1);
    expect(tape.drift()).toBeLessThan(0);
  });

  it("multiplies the correction with the room's rate", () => {
    const follower = new Follower();
    follower.follow({ ...playing, rate: 1.5 }, "start");
    const tape = new Tape(follower, 1000, { position: 10 });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) + 0.6 };
    expect(follower.tick(tape.now, tape.view, true).rate).toBeCloseTo(1.425);
  });

  it("corrects nothing while the media is stalled, and settles with one seek afterwards", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11 });
    tape.run(3);
    tape.view = { ...tape.view, isStalled: true };
    tape.run(6);
    expect(tape.seeks).toEqual([]);
    tape.view = { ...tape.view, isStalled: false };
    tape.run(3);
    expect(tape.seeks).toHaveLength(1);
    expect(Math.abs(tape.drift())).toBeLessThan(0.06);
  });

  it("gives up seeking after three seeks that gained nothing, until somebody acts", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1000, { position: 4 }, 6);
    tape.run(60);
    expect(tape.seeks).toHaveLength(3);
    expect(follower.hasGivenUp).toBe(true);
    follower.follow({ ...playing, position: 60, at: tape.now }, "jump");
    tape.run(0.25);
    expect(tape.seeks).toHaveLength(4);
  });

  it("comes back from a hidden tab with one seek", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1001, { position: 11 });
    tape.run(3);
    tape.view = { ...tape.view, position: (tape.view.position ?? 0) - 2 };
    follower.jump();
    tape.run(3);
    expect(tape.seeks).toHaveLength(1);
    expect(tape.drift()).toBeCloseTo(0, 6);
  });

  it("only plays and pauses where there is no shared coordinate", () => {
    const follower = new Follower();
    follower.follow(playing, "jump");
    expect(follower.tick(1005, media({ position: null }))).toEqual({ play: true, rate: 1, seekTo: null });
  });

  it("lets the end be the end", () => {
    const follower = new Follower();
    follower.follow({ ...playing, position: 99 }, "start");
    expect(follower.tick(1030, media({ position: 100, isEnded: true }))).toEqual({
      play: false,
      rate: 1,
      seekTo: null,
    });
  });
});
