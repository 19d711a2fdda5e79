/** Where a live room is in its stream: by the dates of the pictures, which is all that two viewers share. Pure. */
import type { Anchor } from "./position";

/** Positions in a file end long before; dates, in Unix seconds, begin here. */
export const FIRST_DATE = 1e9;

/** What a playlist offers, in dates (Unix seconds): its first picture, the end of its last, and the longest segment. */
export interface LiveWindow {
  readonly start: number;
  readonly end: number;
  readonly segment: number;
}

/** How far behind the room's clock everybody plays: what comes last is not there for everybody at once. */
const BEHIND_SEGMENTS = 4;

/** The newest picture that is safe to play. */
export function newest({ end, segment }: LiveWindow): number {
  return end - segment;
}

/**
 * What makes a date out of a position of this room. A room that was paused or sought in has dates as positions; one
 * that was not plays at a fixed distance from the clock. Null where the stream's dates are not of our time.
 */
export function dateOffset(anchor: Anchor, window: LiveWindow, now: number): number | null {
  if (anchor.position >= FIRST_DATE) return 0;
  const behind = BEHIND_SEGMENTS * window.segment;
  const target = now - behind;
  if (target > newest(window) || target < window.start) return null;
  return anchor.at - anchor.position - behind;
}
