import { describe, expect, it } from "vitest";
import { correct, keepGoing } from "./drift";
import { Follower, type MediaView, type Orders } from "./follower";
import { Gauge } from "./gauge";
import { Latency } from "./latency";
import { isAtEdge, type LiveWindow, newest, offered } from "./live";
import { type Anchor, positionAt } from "./position";
import { Tightness } from "./tightness";
import { TIGHTENING, trimOf } from "./trim";

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
  const readings = (tightness: Tightness, from: number, drift: number) =>
    Array.from({ length: 12 }, (_, count) => tightness.read(from + count / 4, drift, 1)).find(
      (trim) => trim !== null,
    ) ?? null;

  it("begins at 40 ms, once three seconds of readings say so", () => {
    expect(readings(new Tightness(), 1000, 0.039)).toBeNull();
    expect(readings(new Tightness(), 1000, 0.041)?.factor).toBeLessThan(1);
    expect(readings(new Tightness(), 1000, -0.041)?.factor).toBeGreaterThan(1);
  });

  it("does not act on a few readings that are far off", () => {
    const tightness = new Tightness();
    const some = [0, 0.2, 0, 0, -0.2, 0, 0, 0.3, 0, 0, 0, 0];
    expect(some.map((drift, count) => tightness.read(1000 + count / 4, drift, 1))).toEqual(some.map(() => null));
  });

  it("is in proportion, by two per cent at most, and worked out to its end", () => {
    expect(trimOf(0.06, 1000, 1, TIGHTENING)).toEqual({ factor: 0.985, until: 1004 });
    expect(trimOf(-0.4, 1000, 1, TIGHTENING).factor).toBeCloseTo(1.02);
    expect(trimOf(-0.4, 1000, 1, TIGHTENING).until).toBeCloseTo(1020);
    expect(trimOf(-0.4, 1000, 2, TIGHTENING).until).toBeCloseTo(1010);
  });

  it("trims once a minute at most", () => {
    const tightness = new Tightness();
    expect(readings(tightness, 1000, 0.1)).not.toBeNull();
    expect(readings(tightness, 1010, 0.1)).toBeNull();
    expect(readings(tightness, 1050, 0.1)).toBeNull();
    expect(readings(tightness, 1070, 0.1)).not.toBeNull();
  });

  it("gives up after three trims that gained nothing, until it is forgiven", () => {
    const tightness = new Tightness();
    const trims = [0, 100, 200, 300, 400].map((from) => readings(tightness, from, 0.1));
    expect(trims.map((trim) => trim !== null)).toEqual([true, true, true, false, false]);
    expect(tightness.hasGivenUp).toBe(true);
    tightness.forgive();
    expect(readings(tightness, 500, 0.1)).not.toBeNull();
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

describe("a hole in the stream", () => {
  const holes = [{ start: 12, end: 14 }];

  it("is stood behind until the room has gone through it", () => {
    const follower = new Follower();
    follower.follow(playing, "beat");
    // The room is at 12.5, the picture was moved to what comes next.
    const orders = follower.tick(1002.5, media({ position: 14, holes }));
    expect(orders).toMatchObject({ play: false, seekTo: null });
    expect(orders.wakeAt).toBeCloseTo(1004 - follower.starts.seconds);
    expect(follower.drift(1002.5, media({ position: 14, holes }))).toBe(0);
    expect(follower.tick(1004.01, media({ position: 14, isPaused: true, holes }))).toMatchObject({ play: true });
  });

  it("is gone over by a seek into it, playing or paused", () => {
    const follower = new Follower();
    follower.follow(playing, "jump");
    const { seekTo } = follower.tick(1002.5, media({ position: 50, holes }));
    expect(seekTo).toBe(14);
    follower.follow({ ...paused, position: 13 }, "jump");
    expect(follower.tick(1003, media({ position: 50, isPaused: true, holes })).seekTo).toBe(14);
    expect(follower.tick(1004, media({ position: 14, isPaused: true, holes })).seekTo).toBeNull();
  });

  it("is no hole for what is before or behind it", () => {
    const follower = new Follower();
    follower.follow(playing, "beat");
    expect(follower.tick(1001, media({ position: 11, holes }))).toMatchObject({ play: true, seekTo: null });
    expect(follower.tick(1010, media({ position: 20, holes }))).toMatchObject({ play: true, seekTo: null });
  });
});

describe("what a live stream offers", () => {
  const window: LiveWindow = { start: 1.7e9, end: 1.7e9 + 60, segment: 2 };

  it("ends a segment before its last picture, and begins with its first", () => {
    expect(offered(1.7e9 + 30, window)).toBe(1.7e9 + 30);
    expect(offered(1.7e9 + 59, window)).toBe(newest(window));
    expect(offered(1.7e9 - 500, window)).toBe(window.start);
  });

  it("begins with its first picture also where it is shorter than a segment", () => {
    expect(offered(1.7e9 + 1, { start: 1.7e9, end: 1.7e9 + 1, segment: 2 })).toBe(1.7e9);
  });

  it("leaves no room for hurrying within two segments of the end", () => {
    expect(isAtEdge(1.7e9 + 57, window)).toBe(true);
    expect(isAtEdge(1.7e9 + 50, window)).toBe(false);
  });
});

describe("a latency", () => {
  it("is what is typical until something was seen, then the middle of the last five", () => {
    const latency = new Latency();
    expect(latency.seconds).toBeCloseTo(0.08);
    latency.took(0.2);
    expect(latency.seconds).toBeCloseTo(0.14);
    for (const seconds of [0.2, 0.22, 0.7, 0.2, 0.19]) latency.took(seconds);
    expect(latency.seconds).toBeCloseTo(0.2);
  });

  it("is not learned from a download, nor below nothing", () => {
    const latency = new Latency();
    latency.took(4);
    expect(latency.seconds).toBeCloseTo(0.08);
    for (let count = 0; count < 5; count += 1) latency.took(-2);
    expect(latency.seconds).toBe(0);
  });
});

describe("a gauge", () => {
  const certainty = { readings: 3, within: 0.015, patience: 1.25 };

  it("waits until readings agree: a picture that catches up is not measured", () => {
    const gauge = new Gauge(certainty);
    const drifts = [-0.02, -0.27, -0.31, -0.312, -0.311];
    expect(drifts.map((drift, count) => gauge.read(count / 4, drift))).toEqual([null, null, null, null, -0.311]);
  });

  it("takes readings at once for one", () => {
    const gauge = new Gauge(certainty);
    expect([0, 0.01, 0.02, 0.03].map((time) => gauge.read(time, 0.1))).toEqual([null, null, null, null]);
  });

  it("answers with what it has when its patience is at its end", () => {
    const gauge = new Gauge(certainty);
    const drifts = [0.1, 0.2, 0.1, 0.2, 0.1, 0.3];
    expect(drifts.map((drift, count) => gauge.read(count / 4, drift)).at(-1)).toBe(0.2);
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
    private readonly landsBehind = 0.08,
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
    expect(follower.tick(1000, media({ isPaused: true, position: 3 }))).toEqual({
      play: false,
      rate: 1,
      seekTo: 10,
      wakeAt: 1000.4 - 0.08,
    });
    expect(follower.tick(1000.25, media({ isPaused: true, position: 10 })).play).toBe(false);
    expect(follower.tick(1000.4, media({ isPaused: true, position: 10 }))).toEqual({
      play: true,
      rate: 1,
      seekTo: null,
      wakeAt: null,
    });
  });

  it("plays on until a scheduled pause is due, then stands on the room's frame", () => {
    const follower = new Follower();
    follower.follow({ ...paused, at: 1000.4 }, "stop");
    expect(follower.tick(1000, media({ position: 9.6 })).play).toBe(true);
    expect(follower.tick(1000.4, media({ position: 10.1 }))).toMatchObject({ play: false, seekTo: 10 });
  });

  it("seeks a paused picture once, wherever it lands", () => {
    const follower = new Follower();
    follower.follow(paused, "stop");
    expect(follower.tick(1001, media({ isPaused: true, position: 12 })).seekTo).toBe(10);
    expect(follower.tick(1002, media({ isPaused: true, position: 10.08 })).seekTo).toBeNull();
  });

  it("brings a paused picture back that was moved away since, and gives up where that gains nothing", () => {
    const follower = new Follower();
    follower.follow(paused, "stop");
    const astray = media({ isPaused: true, position: 5 });
    expect(follower.tick(1001, astray).seekTo).toBe(10);
    expect(follower.tick(1001.1, { ...astray, isSeeking: true }).seekTo).toBeNull();
    expect(follower.tick(1002, astray).seekTo).toBe(10);
    for (let now = 1003; now < 1010; now += 1) follower.tick(now, astray);
    expect(follower.tick(1010, astray).seekTo).toBeNull();
    follower.follow({ ...paused, position: 20 }, "jump");
    expect(follower.tick(1011, astray).seekTo).toBe(20);
  });

  it("joins a playing room with one seek", () => {
    const follower = new Follower();
    follower.follow(playing, "jump");
    const tape = new Tape(follower, 1004, { isPaused: true });
    tape.run(4);
    expect(tape.seeks).toHaveLength(1);
    expect(tape.seeks[0]).toBeCloseTo(14.08, 6);
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
    expect(tape.drift()).toBeCloseTo(-0.07, 6);
    expect(follower.seeks.seconds).toBeCloseTo(0.115, 6);
  });

  it("trims a small offset by speed, within three seconds", () => {
    const follower = new Follower();
    follower.follow(playing, "start");
    const tape = new Tape(follower, 1000, { position: 9.9 });
    tape.run(1);
    expect(tape.rate).toBeCloseTo(1.05, 6);
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
    expect(follower.tick(1005, media({ position: null }))).toMatchObject({ play: true, rate: 1, seekTo: null });
  });

  it("lets the end be the end", () => {
    const follower = new Follower();
    follower.follow({ ...playing, position: 99 }, "start");
    expect(follower.tick(1030, media({ position: 100, isEnded: true }))).toMatchObject({ play: false, seekTo: null });
  });
});
