import { Gauge } from "./gauge";
import { TIGHTENING, type Trim, trimOf } from "./trim";

/** Three seconds of readings; a frame's jitter does not move their middle. */
const CERTAINTY = { readings: 12, within: 0.04, patience: Number.POSITIVE_INFINITY };
const BEGIN_S = 0.04;
/** Clocks part by 6 ms a minute at worst: whatever asks for more is noise. */
const REST_S = 60;
const MOST_FRUITLESS = 3;

/** Keeps a player that has settled within 40 ms of its room, by one trim a minute at most. */
export class Tightness {
  private readonly gauge = new Gauge(CERTAINTY);
  private correctedAt = Number.NEGATIVE_INFINITY;
  /** How far off it was before the last trim, until it is known what that gained. */
  private before: number | null = null;
  private fruitless = 0;

  /** Trims stopped because they gained nothing. */
  get hasGivenUp(): boolean {
    return this.fruitless >= MOST_FRUITLESS;
  }

  /** Somebody acted, or the media was disturbed: what was read is of another time. */
  clear(): void {
    this.gauge.clear();
    this.before = null;
  }

  /** Somebody acted: what was fruitless before may gain something now. */
  forgive(): void {
    this.clear();
    this.fruitless = 0;
  }

  /** Whether the last correction is so recent that the next small one waits. */
  isResting(now: number): boolean {
    return now - this.correctedAt < REST_S;
  }

  /** Something else was corrected. */
  rest(now: number): void {
    this.correctedAt = now;
  }

  /** Takes a reading of media that plays at the room's `rate`; answers what to do about it, if anything. */
  read(now: number, drift: number, rate: number): Trim | null {
    const off = this.gauge.read(now, drift);
    if (off === null) return null;
    if (this.before !== null) {
      this.fruitless = Math.abs(off) < Math.abs(this.before) / 2 ? 0 : this.fruitless + 1;
      this.before = null;
    }
    if (Math.abs(off) < BEGIN_S || this.isResting(now) || this.hasGivenUp) return null;
    this.gauge.clear();
    this.rest(now);
    this.before = off;
    return trimOf(off, now, rate, TIGHTENING);
  }
}
