import { describe, expect, it } from "vitest";
import { Follower, type MediaView } from "./follower";
import { type Anchor, positionAt } from "./position";

const TICK_S = 0.25;
const BEAT_S = 5;

interface Conditions {
  readonly isTight?: boolean;
  /** How much faster the media's clock runs than the room's. */
  readonly skew?: number;
  /** How long a seek takes, in seconds. */
  readonly seekTakes?: number;
  /** Whether the network is gone at a time. */
  readonly isCut?: (time: number) => boolean;
  /** How wrong the page's idea of the room's time is, in seconds, at a time. */
  readonly clockError?: (time: number) => number;
}

/** A player as browsers have them: seeks take time, clocks differ, readings jitter by a frame, the network goes away. */
class SimulatedPlayer {
  readonly follower = new Follower();
  readonly seeks: number[] = [];
  /** When the speed was changed from the room's. */
  readonly rateCorrections: number[] = [];
  readonly drifts: { readonly time: number; readonly drift: number }[] = [];
  private position = 0;
  private rate = 1;
  private isPaused = true;
  private seekEnds = 0;
  private time = 0;

  constructor(
    private readonly anchor: Anchor,
    private readonly conditions: Conditions,
  ) {
    this.follower.setTight(conditions.isTight ?? false);
    this.follower.follow(anchor, "jump");
  }

  run(seconds: number): void {
    for (let count = 0; count < seconds / TICK_S; count += 1) this.step();
  }

  /** Corrections of either kind from a time on. */
  corrections(from: number): number[] {
    return [...this.seeks, ...this.rateCorrections].filter((time) => time >= from).sort((a, b) => a - b);
  }

  worst(from: number): number {
    return Math.max(...this.drifts.filter(({ time }) => time >= from).map(({ drift }) => Math.abs(drift)));
  }

  private step(): void {
    const { time, conditions } = this;
    const isSeeking = time < this.seekEnds;
    const isStalled = conditions.isCut?.(time) ?? false;
    const now = this.anchor.at + time + (conditions.clockError?.(time) ?? 0);
    const view: MediaView = {
      position: this.position + 0.008 * Math.sin(time * 7.3),
      duration: null,
      isReady: true,
      isPaused: this.isPaused,
      isSeeking,
      isStalled,
      isEnded: false,
    };
    const orders = this.follower.tick(now, view, time % BEAT_S === 0);
    if (orders.rate !== 1 && this.rate === 1) this.rateCorrections.push(time);
    this.rate = orders.rate;
    this.isPaused = !orders.play;
    if (orders.seekTo !== null) {
      this.seeks.push(time);
      this.position = orders.seekTo;
      this.seekEnds = time + (conditions.seekTakes ?? 0.2);
    }
    const moves = !this.isPaused && !isStalled ? Math.max(0, time + TICK_S - Math.max(time, this.seekEnds)) : 0;
    this.position += Math.min(moves, TICK_S) * this.rate * (1 + (conditions.skew ?? 0));
    this.time += TICK_S;
    this.drifts.push({
      time: this.time,
      drift: this.position - positionAt(this.anchor, this.anchor.at + this.time, null),
    });
  }
}

const room: Anchor = { position: 100, at: 5000, rate: 1, isPlaying: true };

/** The most corrections that fell within any one minute. */
function mostPerMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + 60).length));
}

describe("an hour with a simulated player", () => {
  it.each<[string, Conditions]>([
    ["a perfect one", {}],
    ["a slow seeker", { seekTakes: 0.6 }],
    ["a clock that runs fast by 200 ppm", { skew: 200e-6 }],
    ["a clock that runs slow by 200 ppm", { skew: -200e-6 }],
    ["a room clock that is wrong by up to 30 ms", { clockError: (time) => 0.03 * Math.sin(time / 40) }],
    ["a perfect one in a tight room", { isTight: true }],
    ["a fast clock in a tight room", { isTight: true, skew: 200e-6 }],
    ["a slow seeker in a tight room", { isTight: true, seekTakes: 0.6 }],
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

  it("in a tight room: a gap of 0.3 s is closed by speed alone", () => {
    const jump = (time: number) => (time < 60 ? 0 : 0.3);
    const player = new SimulatedPlayer(room, { isTight: true, clockError: jump });
    player.run(120);
    expect(player.seeks.filter((time) => time > 30)).toEqual([]);
    expect(player.corrections(60)).toHaveLength(1);
    expect(player.drifts.at(-1)?.drift).toBeCloseTo(0.3, 1);
  });
});
