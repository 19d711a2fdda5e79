/** Worse than this was no seek but a download. */
const MOST_S = 0.8;

/** How far a seek lands behind a moving target, learned from the landings, in seconds. */
export class SeekCost {
  private learned: number | null = null;

  get seconds(): number {
    return this.learned ?? 0;
  }

  /** A seek that aimed `seconds` ahead landed `drift` off (negative: behind). */
  landed(drift: number): void {
    const cost = this.seconds - drift;
    if (cost > MOST_S) return;
    const smoothed = this.learned === null ? cost : (this.learned + cost) / 2;
    this.learned = Math.max(0, smoothed);
  }
}
