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

/** The nearest date that can be shown. */
export function offered(date: number, window: LiveWindow): number {
  return Math.max(window.start, Math.min(date, newest(window)));
}

/** Whether a picture is so near to the end that hurrying would run dry. */
export function isAtEdge(date: number, window: LiveWindow): boolean {
  return window.end - date < 2 * window.segment;
}
