/** Where a room is: `position` (media seconds) held at `at` (room clock, Unix seconds). */
export interface Anchor {
  readonly position: number;
  readonly at: number;
  readonly rate: number;
  readonly isPlaying: boolean;
}

export const REST: Anchor = { position: 0, at: 0, rate: 1, isPlaying: false };

/** Where the room would be at `now`, were there neither a beginning nor an end. */
export function unbounded(anchor: Anchor, now: number): number {
  return anchor.position + anchor.rate * (now - anchor.at);
}

/** The room's position at `now`. Before `at` nothing has run yet; a known end is never passed. */
export function positionAt(anchor: Anchor, now: number, duration: number | null): number {
  const elapsed = anchor.isPlaying ? Math.max(0, now - anchor.at) : 0;
  const position = anchor.position + anchor.rate * elapsed;
  return duration !== null && duration > 0 ? Math.min(position, duration) : position;
}
