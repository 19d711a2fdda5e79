/** The loop with two simulated elements: late starts, stretched time, noisy readings, stalls. Nothing here waits. */
import { describe, expect, it } from "vitest";
import { PairLoop, type PairOrders } from "./pair";

const TICK_S = 0.25;
/** As measured in Chromium: what a start and a seek take, what beginning to stretch loses, and how readings scatter. */
const START_S = 0.07;
const SEEK_S = 0.15;
const STRETCH_LOSS_S = 0.02;
const NOISE_S = 0.02;

/** The same figures each time, between 0 and 1 (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Pair {
  video = 0;
  audio = 0;
  private rate = 1;
  private isPaused = false;
  /** Until when the audio stands: it starts, or seeks. */
  private standsUntil = START_S;
  private stallUntil = 0;
  private ahead = 20;

  constructor(private readonly random: () => number) {}

  get skew(): number {
    return this.audio - this.video;
  }

  /** The audio runs dry, and is loaded again so much later. */
  stall(now: number, seconds: number): void {
    this.stallUntil = now + seconds;
    this.ahead = 0.5;
  }

  /** The audio is somewhere else all of a sudden. */
  throwOff(seconds: number): void {
    this.audio += seconds;
  }

  step(now: number, loop: PairLoop): void {
    if (now > this.stallUntil) this.ahead = 20;
    const isDry = now < this.stallUntil && !this.isPaused;
    this.video += TICK_S;
    if (!this.isPaused && !isDry) this.audio += Math.max(0, Math.min(TICK_S, now - this.standsUntil)) * this.rate;
    const orders = loop.tick({
      now,
      videoTime: this.video,
      audioTime: this.audio + (this.random() - 0.5) * 2 * NOISE_S,
      videoAhead: 20,
      audioAhead: this.ahead,
      duration: null,
      isVideoRunning: true,
      isAudioPaused: this.isPaused,
      isAudioSeeking: false,
      isAudioOver: false,
      isHidden: false,
    });
    this.obey(orders, now);
  }

  private obey(orders: PairOrders, now: number): void {
    if (orders.pauseAudio) this.isPaused = true;
    if (orders.seekAudioTo !== undefined) {
      this.audio = orders.seekAudioTo;
      this.standsUntil = now + SEEK_S;
    }
    if (orders.playAudio) {
      this.isPaused = false;
      this.standsUntil = Math.max(this.standsUntil, now + START_S);
    }
    const isStretched = (rate: number) => Math.abs(rate - 1) > 0.025;
    if (isStretched(orders.factor) && !isStretched(this.rate)) this.audio -= STRETCH_LOSS_S;
    this.rate = orders.factor;
  }
}

function run(seconds: number, seed: number, stalls: readonly number[] = []): { median: number; longest: number } {
  const pair = new Pair(dice(seed));
  const loop = new PairLoop();
  const sizes: number[] = [];
  let apartFor = 0;
  let longest = 0;
  for (let now = TICK_S; now < seconds; now += TICK_S) {
    const isDue = (at: number) => Math.abs(at - now) < TICK_S / 2;
    if (stalls.some(isDue)) pair.stall(now, 2);
    if (stalls.some((at) => isDue(at + 15))) pair.throwOff(now % 2 < 1 ? 0.6 : -0.7);
    pair.step(now, loop);
    sizes.push(Math.abs(pair.skew));
    // While the audio waits for its buffer nothing is heard.
    apartFor = Math.abs(pair.skew) > 0.2 && !loop.isHolding ? apartFor + TICK_S : 0;
    longest = Math.max(longest, apartFor);
  }
  sizes.sort((a, b) => a - b);
  return { median: sizes[Math.floor(sizes.length / 2)] ?? 0, longest };
}

describe("two elements", () => {
  it.each([1, 2, 3, 4, 5])("settle within a minute of playing (seed %i)", (seed) => {
    expect(run(60, seed).median).toBeLessThan(0.03);
  });

  it.each([1, 2, 3, 4, 5])("stay together for ten minutes with a stall or a jolt each quarter (seed %i)", (seed) => {
    const stalls = Array.from({ length: 19 }, (_, place) => 30 * (place + 1));
    const { median, longest } = run(600, seed, stalls);
    expect(median).toBeLessThan(0.06);
    expect(longest).toBeLessThan(5);
  });
});
