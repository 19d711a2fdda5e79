import type { MediaView } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";

/** What moves the media: one element, or two that move as one. Times in seconds on the room's timeline. */
export interface Transport {
  readonly view: MediaView;
  /** Seconds buffered beyond the position. */
  readonly ahead: number;
  /** The element that is heard. */
  readonly output: HTMLMediaElement;
  /** What a live stream offers, in dates that the room shares. */
  readonly window?: LiveWindow | null;
  /** Rejects with `NotAllowedError` where the browser wants a gesture first. */
  play(): Promise<void>;
  pause(): void;
  seek(position: number): void;
  setRate(rate: number): void;
  /** Called four times a second, and when the tab is seen again. */
  tick(): void;
  wake(): void;
  destroy(): void;
}

/** Between a media element's own time and the room's: the date of the picture, where a live stream has one. */
export interface Coordinate {
  toRoom(time: number): number | null;
  toMedia(position: number): number | null;
}

export interface LiveCoordinate extends Coordinate {
  /** What the stream offers; null where its dates are not of the room's time. */
  window(): LiveWindow | null;
  /** Whether a time of the element is so near to the end that hurrying would run dry. */
  isAtEdge(time: number): boolean;
}

/** For a live stream whose pictures have no dates that we could read. */
export const NOWHERE: Coordinate = { toRoom: () => null, toMedia: () => null };

export const SAME: Coordinate = { toRoom: (time) => time, toMedia: (position) => position };
