/** Which pieces of a stream are left out because they are not there. Pure. */
import type { Hole } from "@/sync/follower";

/** One that is not there may be yet to come, most of all the newest of a live stream. */
const MOST_ASKED = { film: 2, live: 3 };
/** So many pieces in a row may be missing; more are no hole but the end. */
const MOST_MISSING = 5;

export class Holes {
  /** How often each was asked for in vain. */
  private readonly asked = new Map<string, number>();
  private inARow = 0;
  private found: readonly Hole[] = [];

  constructor(private readonly kind: keyof typeof MOST_ASKED) {}

  /** Where pieces are left out, in order, in the stream's own time. */
  get all(): readonly Hole[] {
    return this.found;
  }

  /** A piece is not there. Answers whether to go on without it. */
  miss(piece: string, start: number, duration: number): boolean {
    // Asked for again, as by a seek into the hole, it is still the same one.
    if (this.found.some((hole) => hole.start === start)) return true;
    const asked = (this.asked.get(piece) ?? 0) + 1;
    this.asked.set(piece, asked);
    if (asked < MOST_ASKED[this.kind] || this.inARow >= MOST_MISSING) return false;
    this.inARow += 1;
    this.found = [...this.found, { start, end: start + duration }].sort((a, b) => a.start - b.start);
    return true;
  }

  /** A piece came: another quality may have what one has not. */
  came(start: number): void {
    this.inARow = 0;
    this.found = this.found.filter((hole) => hole.start !== start);
  }
}
