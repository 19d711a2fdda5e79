import { middle } from "./latency";

/** Readings closer to each other than this tell nothing new: the first ones after a seek stand still together. */
const APART_S = 0.1;

/** How sure a gauge wants to be. */
export interface Certainty {
  readonly readings: number;
  /** The middle half of the readings lies within this many seconds. */
  readonly within: number;
  /** After so many seconds it answers with what it has. */
  readonly patience: number;
}

/** Reads a drift until it can be believed. A picture that is still catching up reads differently each time. */
export class Gauge {
  private readings: readonly number[] = [];
  private since: number | null = null;
  private last = Number.NEGATIVE_INFINITY;

  constructor(private readonly certainty: Certainty) {}

  clear(): void {
    this.readings = [];
    this.since = null;
    this.last = Number.NEGATIVE_INFINITY;
  }

  /** Takes a reading; answers the middle of the last ones, or null where they don't agree yet. */
  read(now: number, drift: number): number | null {
    const { readings, within, patience } = this.certainty;
    if (now - this.last < APART_S) return null;
    this.last = now;
    this.since ??= now;
    this.readings = [...this.readings, drift].slice(-readings);
    const isLate = now - this.since >= patience;
    if (!isLate && (this.readings.length < readings || middleHalf(this.readings) > within)) return null;
    return middle(this.readings);
  }
}

/** How wide the middle half of the values is; of three all of it. */
function middleHalf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 4);
  return (sorted[sorted.length - 1 - cut] ?? 0) - (sorted[cut] ?? 0);
}
