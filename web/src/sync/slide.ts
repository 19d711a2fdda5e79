/** A live stream's window as it slides with the time, without the steps of the playlists that tell of it. Pure. */
import type { LiveWindow } from "./live";

/** Longer than between any two playlists, short enough to follow a stream that catches up. */
const KEPT_S = 30;
/** A step of so many segments is another window, not the next playlist. */
const OTHER = 3;

export class Slide {
  private readonly start = new Lag();
  private readonly end = new Lag();

  /** What the window is at `now` (seconds on any steady clock), by all that was told of it lately. */
  read(now: number, window: LiveWindow): LiveWindow {
    const { segment } = window;
    const most = OTHER * segment;
    return { start: this.start.read(now, window.start, most), end: this.end.read(now, window.end, most), segment };
  }

  /** Another stream. */
  clear(): void {
    this.start.clear();
    this.end.clear();
  }
}

/** A date that goes with the time: behind `now` by the most that it lately was. One that stands still lags ever more. */
class Lag {
  /** Falling lags, by when they were read; the first is the largest. */
  private lags: { readonly at: number; readonly lag: number }[] = [];

  read(now: number, date: number, most: number): number {
    const lag = now - date;
    if ((this.lags[0]?.lag ?? lag) > lag + most) this.lags = [];
    while ((this.lags.at(-1)?.lag ?? Number.POSITIVE_INFINITY) <= lag) this.lags.pop();
    this.lags.push({ at: now, lag });
    while ((this.lags[0]?.at ?? now) < now - KEPT_S) this.lags.shift();
    return now - (this.lags[0]?.lag ?? lag);
  }

  clear(): void {
    this.lags = [];
  }
}
