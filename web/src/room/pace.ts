/** Lets the first through at once, and of those that follow too soon the last, when it is time. */
export class Pace {
  private ranAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly everyMs: number) {}

  /** Whether it was done at once. */
  run(action: () => void): boolean {
    this.cancel();
    const wait = this.ranAt + this.everyMs - performance.now();
    if (wait <= 0) {
      this.ranAt = performance.now();
      action();
      return true;
    }
    this.timer = setTimeout(() => {
      this.ranAt = performance.now();
      action();
    }, wait);
    return false;
  }

  /** What waits is not done any more. */
  cancel(): void {
    clearTimeout(this.timer);
  }
}
