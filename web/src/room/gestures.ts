/** What fingers do on the picture: two taps on one side are ten seconds, a swipe up or down on the right is the volume.
 * Pure: places are shares of the picture, times are milliseconds. */

export type Gesture =
  | { readonly kind: "skip"; readonly seconds: number }
  | { readonly kind: "volume"; readonly by: number };

const DOUBLE_MS = 320;
const SIDE = 0.36;
/** Less than this share of the picture's height is a tap of an unsteady finger. */
const SLIP = 0.06;
/** A swipe over this share of the height is the whole range. */
const FULL_SWIPE = 0.8;

export class Gestures {
  private tappedAt = Number.NEGATIVE_INFINITY;
  private tappedSide = 0;
  private from: { readonly x: number; readonly y: number } | null = null;
  private last: number | null = null;

  down(x: number, y: number): void {
    this.from = { x, y };
    this.last = null;
  }

  move(x: number, y: number): Gesture | null {
    if (this.from === null || this.from.x < 0.5) return null;
    if (this.last === null) {
      const isUpright = Math.abs(y - this.from.y) > 2 * Math.abs(x - this.from.x);
      if (Math.abs(y - this.from.y) < SLIP || !isUpright) return null;
      this.last = this.from.y;
    }
    const by = (this.last - y) / FULL_SWIPE;
    this.last = y;
    return { kind: "volume", by };
  }

  up(x: number, now: number): Gesture | null {
    const wasSwipe = this.last !== null;
    this.from = null;
    this.last = null;
    if (wasSwipe) return null;
    const side = x < SIDE ? -1 : x > 1 - SIDE ? 1 : 0;
    const isDouble = now - this.tappedAt < DOUBLE_MS && side === this.tappedSide;
    // A third tap goes on: ten more seconds.
    this.tappedAt = now;
    this.tappedSide = side;
    return isDouble && side !== 0 ? { kind: "skip", seconds: side * 10 } : null;
  }

  cancel(): void {
    this.from = null;
    this.last = null;
  }
}
