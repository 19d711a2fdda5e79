/** What seeks and starts take in Chromium, wherever it was measured: 65 to 95 ms, most of it the audio's. */
const TYPICAL_S = 0.08;
/** Worse than this was no seek but a download. */
const MOST_S = 0.8;
const KEPT = 5;

/** How long a player takes to do as told, in seconds: the middle of what was seen lately, so that one hitch says nothing. */
export class Latency {
  private seen: readonly number[] = [TYPICAL_S];

  get seconds(): number {
    return middle(this.seen);
  }

  took(seconds: number): void {
    if (seconds <= MOST_S) this.seen = [...this.seen, Math.max(0, seconds)].slice(-KEPT);
  }
}

/** The median; of an even number of values the mean of the two in the middle. */
export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}
