import { describe, expect, it } from "vitest";
import { type Cause, Follower } from "./follower";
import { type Anchor, positionAt } from "./position";

const TICK_S = 0.25;
const BEAT_S = 5;

interface Conditions {
  readonly isTight?: boolean;
  /** How much faster the media's clock runs than the room's. */
  readonly skew?: number;
  /** How long a seek takes, in seconds. */
  readonly seekTakes?: number;
  /** How long it takes from being told to play to playing. */
  readonly startTakes?: number;
  /** How far readings are off, at most. */
  readonly jitter?: number;
  /** What the sound loses when the speed changes by more than 2.5 %. */
  readonly stretchLoses?: number;
  /** When the sound loses one buffer, 1,024 samples, because the machine is busy. */
  readonly hiccups?: readonly number[];
  /** Whether the network is gone at a time. */
  readonly isCut?: (time: number) => boolean;
  /** Whether the media says that it has run dry, though nothing is lost by it. */
  readonly flickers?: (time: number) => boolean;
  /** How wrong the page's idea of the room's time is, in seconds, at a time. */
  readonly clockError?: (time: number) => number;
}

const BUFFER_S = 1024 / 48_000;

/** A player as browsers have them: whatever it is told takes time, clocks differ, readings jitter, the network goes. */
class SimulatedPlayer {
  readonly follower = new Follower();
  readonly seeks: number[] = [];
  /** When the speed was changed from the room's. */
  readonly rateCorrections: number[] = [];
  readonly drifts: { readonly time: number; readonly drift: number }[] = [];
  position = 0;
  isPaused = true;
  private rate = 1;
  private seekEnds = 0;
  private movesFrom = 0;
  private time = 0;
  private isBeat = true;
  private nextTick = 0;
  private wakeAt: number | null = null;

  constructor(
    private anchor: Anchor,
    private readonly conditions: Conditions,
  ) {
    this.follower.setTight(conditions.isTight ?? false);
    this.follower.follow(anchor, "jump");
  }

  /** The room moves: `at` is seconds of this simulation. */
  follow(anchor: Anchor, cause: Cause): void {
    this.anchor = anchor;
    this.follower.follow(anchor, cause);
    this.tick();
  }

  run(seconds: number): void {
    for (const end = this.time + seconds; this.time < end - 1e-9; ) {
      const next = Math.min(this.nextTick, this.wakeAt ?? Number.POSITIVE_INFINITY, end);
      this.pass(next);
      if (next === end) break;
      if (next === this.nextTick) {
        this.nextTick += TICK_S;
        this.isBeat = next % BEAT_S === 0;
      }
      this.tick();
      this.isBeat = false;
    }
  }

  /** Corrections of either kind from a time on. */
  corrections(from: number): number[] {
    return [...this.seeks, ...this.rateCorrections].filter((time) => time >= from).sort((a, b) => a - b);
  }

  drift(): number {
    return this.position - positionAt(this.anchor, this.anchor.at + this.time - this.offset(), null);
  }

  worst(from: number, to = Number.POSITIVE_INFINITY): number {
    const sizes = this.drifts.filter(({ time }) => time >= from && time < to).map(({ drift }) => Math.abs(drift));
    return Math.max(...sizes);
  }

  private offset(): number {
    return this.anchor.at - room.at;
  }

  private tick(): void {
    const { time, conditions } = this;
    const jitter = (conditions.jitter ?? 0.008) * Math.sin(time * 7.3);
    const orders = this.follower.tick(
      room.at + time + (conditions.clockError?.(time) ?? 0),
      {
        position: this.position + (this.isPaused ? 0 : jitter),
        duration: null,
        isReady: true,
        isPaused: this.isPaused,
        isSeeking: time < this.seekEnds,
        isStalled: (conditions.isCut?.(time) || conditions.flickers?.(time)) ?? false,
        isEnded: false,
      },
      this.isBeat,
    );
    if (orders.rate !== 1 && this.rate === 1) this.rateCorrections.push(time);
    if (orders.rate !== this.rate && Math.abs(orders.rate - 1) > 0.025) this.position -= conditions.stretchLoses ?? 0;
    this.rate = orders.rate;
    if (orders.play && this.isPaused) this.movesFrom = Math.max(this.movesFrom, time + (conditions.startTakes ?? 0.08));
    this.isPaused = !orders.play;
    this.wakeAt = orders.wakeAt === null ? null : Math.max(time + 0.001, orders.wakeAt - room.at);
    if (orders.seekTo === null) return;
    this.seeks.push(time);
    this.position = orders.seekTo;
    this.movesFrom = time + (conditions.seekTakes ?? 0.08);
    // As in Chromium, a seek is over long before anything moves.
    this.seekEnds = time + (this.movesFrom - time) / 4;
  }

  private pass(until: number): void {
    const { conditions, time } = this;
    const isStalled = conditions.isCut?.(time) ?? false;
    const moves = this.isPaused || isStalled ? 0 : Math.max(0, until - Math.max(time, this.movesFrom));
    this.position += moves * this.rate * (1 + (conditions.skew ?? 0));
    const lost = (conditions.hiccups ?? []).filter((at) => at >= time && at < until).length;
    this.position -= lost * BUFFER_S;
    this.time = until;
    this.drifts.push({ time: until, drift: this.drift() });
  }
}

const room: Anchor = { position: 100, at: 5000, rate: 1, isPlaying: true };

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) }, (_, count) => from + count * step);
}

/** The most corrections that fell within any one minute. */
function mostPerMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + 60).length));
}

describe("an hour with a simulated player", () => {
  it.each<[string, Conditions]>([
    ["a perfect one", {}],
    ["a slow seeker", { seekTakes: 0.6 }],
    ["sound that is stretched at a loss", { stretchLoses: 0.02 }],
    ["readings that jitter by a frame", { jitter: 0.03 }],
    ["a clock that runs fast by 200 ppm", { skew: 200e-6 }],
    ["a clock that runs slow by 200 ppm", { skew: -200e-6 }],
    ["a room clock that is wrong by up to 30 ms", { clockError: (time) => 0.03 * Math.sin(time / 40) }],
    ["a perfect one in a tight room", { isTight: true }],
    ["a fast clock in a tight room", { isTight: true, skew: 200e-6 }],
    ["a clock that runs slow by 500 ppm in a tight room", { isTight: true, skew: -500e-6 }],
    ["a slow seeker in a tight room", { isTight: true, seekTakes: 0.6 }],
    ["readings that jitter by a frame in a tight room", { isTight: true, jitter: 0.03 }],
    ["a busy machine in a tight room", { isTight: true, hiccups: range(40, 3600, 45) }],
    [
      "a room clock that is wrong by up to 25 ms in a tight room",
      { isTight: true, clockError: (time) => 0.025 * Math.sin(time / 40) },
    ],
  ])("with %s: at most one correction a minute", (_what, conditions) => {
    const player = new SimulatedPlayer(room, conditions);
    player.run(3600);
    expect(mostPerMinute(player.corrections(30))).toBeLessThanOrEqual(1);
    expect(player.worst(30)).toBeLessThan(conditions.isTight ? 0.1 : 0.62);
  });

  it("with stalls: one settling each, and in time again within five seconds", () => {
    const stalls = [60, 300, 900];
    const isCut = (time: number) => stalls.some((at) => time >= at && time < at + 3);
    const player = new SimulatedPlayer(room, { isCut, seekTakes: 0.4 });
    player.run(1200);
    for (const at of stalls) {
      expect(player.corrections(at).filter((time) => time < at + 30).length).toBeLessThanOrEqual(2);
    }
    expect(
      player.drifts.filter(({ time }) => time > 308 && time < 899).every(({ drift }) => Math.abs(drift) < 0.15),
    ).toBe(true);
  });

  it.each([false, true])("with a hitch now and then (tight: %s): at most one correction a minute", (isTight) => {
    const flickers = (time: number) => time > 30 && time % 37 < 0.05;
    const player = new SimulatedPlayer(room, { isTight, flickers, hiccups: range(35, 3600, 20) });
    player.run(1200);
    expect(mostPerMinute(player.corrections(30))).toBeLessThanOrEqual(1);
    expect(player.worst(30)).toBeLessThan(isTight ? 0.3 : 0.62);
  });

  it("in a tight room: a gap of 0.3 s is closed by speed alone", () => {
    const jump = (time: number) => (time < 60 ? 0 : 0.3);
    const player = new SimulatedPlayer(room, { isTight: true, clockError: jump });
    player.run(120);
    expect(player.seeks.filter((time) => time > 30)).toEqual([]);
    expect(player.corrections(60)).toHaveLength(1);
    expect(player.drifts.at(-1)?.drift).toBeCloseTo(0.3, 1);
  });
});

describe("what takes time", () => {
  const start = (at: number): Anchor => ({ position: 300, at: room.at + at, rate: 1, isPlaying: true });
  const stop = (at: number): Anchor => ({ ...start(at), isPlaying: false });

  it.each([0.02, 0.08, 0.25])("a scheduled start is on time where playing takes %f s, once that was seen", (takes) => {
    const player = new SimulatedPlayer(room, { startTakes: takes, jitter: 0 });
    player.run(10);
    for (const at of [10, 20, 30, 40]) {
      player.follow(stop(at), "stop");
      player.run(5);
      player.follow(start(at + 5.3), "start");
      player.run(5);
    }
    expect(player.follower.starts.seconds).toBeCloseTo(takes, 2);
    expect(player.worst(45.301)).toBeLessThan(0.03);
    expect(player.rateCorrections.filter((time) => time > 45)).toEqual([]);
  });

  it.each([0.06, 0.08, 0.4])("a seek lands with the room where it takes %f s, once that was seen", (takes) => {
    const player = new SimulatedPlayer(room, { seekTakes: takes, jitter: 0 });
    player.run(10);
    for (const at of [10, 20, 30, 40, 50]) {
      player.follow(start(at + 0.05), "jump");
      player.run(10);
    }
    expect(player.follower.seeks.seconds).toBeCloseTo(takes, 2);
    expect(player.worst(50 + takes + 0.3)).toBeLessThan(0.02);
    expect(player.seeks.filter((time) => time >= 50)).toHaveLength(1);
  });

  it("an offset after a start is closed by one change of speed, that begins and ends once", () => {
    const player = new SimulatedPlayer(room, { startTakes: 0.16, stretchLoses: 0.02, jitter: 0.002 });
    player.run(10);
    player.follow(stop(10), "stop");
    player.run(5);
    player.follow(start(15.3), "start");
    player.run(4);
    expect(player.corrections(15.1)).toHaveLength(1);
    expect(player.worst(18.4)).toBeLessThan(0.03);
  });
});
