/** What a live stream offers. A live room's positions are dates of pictures, which is all that two viewers share. Pure. */

/** In dates (Unix seconds): the first picture, the end of the last one, and the longest segment in seconds. */
export interface LiveWindow {
  readonly start: number;
  readonly end: number;
  readonly segment: number;
}

/** The newest picture that is safe to play. */
export function newest({ end, segment }: LiveWindow): number {
  return end - segment;
}

/** Where those stand who watch it live: what comes last is not there for everybody at once. */
export function livePoint({ start, end, segment }: LiveWindow): number {
  return Math.max(start, end - 3 * segment);
}

/** Shorter windows are what players need in hand, not something to go back in. */
const DVR_S = 30;

/** Whether it can be gone back in. */
export function hasPast({ start, end }: LiveWindow): boolean {
  return end - start > DVR_S;
}

/** Whether somebody so far behind the live point (seconds) still watches it live: all rooms are some of a segment off. */
export function countsAsLive(behind: number, { segment }: LiveWindow): boolean {
  return behind < 2 + 1.5 * segment;
}

/** The nearest date that can be shown. */
export function offered(date: number, window: LiveWindow): number {
  return Math.max(window.start, Math.min(date, newest(window)));
}

/** Whether a picture is so near to the end that hurrying would run dry. */
export function isAtEdge(date: number, window: LiveWindow): boolean {
  return window.end - date < 2 * window.segment;
}
