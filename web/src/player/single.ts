import type { Hole, MediaView } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";
import { bufferedAhead } from "./ranges";
import { setSpeed } from "./speed";
import { type Coordinate, type LiveCoordinate, SAME, type Transport } from "./transport";

const HAVE_METADATA = 1;
const HAVE_FUTURE_DATA = 3;

/** One element that plays picture and sound. */
export class SingleTransport implements Transport {
  readonly output: HTMLMediaElement;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly coordinate: Coordinate | LiveCoordinate = SAME,
    /** Where the stream has no picture, in the room's seconds. */
    private readonly holes: () => readonly Hole[] = () => [],
  ) {
    this.output = video;
  }

  get view(): MediaView {
    const { video } = this;
    // A live stream has no end that the room's time could reach.
    const hasEnd = this.coordinate === SAME;
    return {
      position: this.coordinate.toRoom(video.currentTime),
      duration: Number.isFinite(video.duration) && hasEnd ? video.duration : null,
      isReady: video.readyState >= HAVE_METADATA,
      isPaused: video.paused,
      isSeeking: video.seeking,
      isStalled: video.readyState < HAVE_FUTURE_DATA && !video.ended && !(hasEnd && isAtEnd(video)),
      isEnded: video.ended,
      holes: this.holes(),
      isAtEdge: "isAtEdge" in this.coordinate && this.coordinate.isAtEdge(video.currentTime),
    };
  }

  get window(): LiveWindow | null {
    return "window" in this.coordinate ? this.coordinate.window() : null;
  }

  get ahead(): number {
    return bufferedAhead(this.video.buffered, this.video.currentTime);
  }

  play(): Promise<void> {
    return this.video.play();
  }

  pause(): void {
    this.video.pause();
  }

  seek(position: number): void {
    const time = this.coordinate.toMedia(position);
    if (time !== null) this.video.currentTime = time;
  }

  setRate(rate: number): void {
    setSpeed(this.video, rate);
  }

  tick(): void {}

  wake(): void {}

  destroy(): void {}
}

// The last frame has no future data, and is no stall.
export function isAtEnd(media: HTMLMediaElement): boolean {
  return Number.isFinite(media.duration) && media.duration - media.currentTime < 0.25;
}
