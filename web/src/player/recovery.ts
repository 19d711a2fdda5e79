/** When to try again what the network failed: in growing intervals, and as soon as the browser is online again. */

const FIRST_MS = 3000;
const MOST_MS = 30_000;
/** What failed so long ago has nothing to do with this failure. */
const FORGOTTEN_MS = 120_000;

export class Recovery {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_MS;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly retry: () => void) {
    globalThis.addEventListener?.("online", this.onOnline);
  }

  /** It failed at `now` (milliseconds on any steady clock). */
  failed(now: number): void {
    if (now - this.failedAt > FORGOTTEN_MS) this.wait = FIRST_MS;
    this.failedAt = now;
    this.rest();
    this.timer = setTimeout(this.fire, this.wait);
    this.wait = Math.min(MOST_MS, 2 * this.wait);
  }

  /** There is nothing to try again, or somebody did. */
  rest(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  destroy(): void {
    this.rest();
    globalThis.removeEventListener?.("online", this.onOnline);
  }

  private readonly onOnline = (): void => {
    if (this.timer !== undefined) this.fire();
  };

  private readonly fire = (): void => {
    this.rest();
    this.retry();
  };
}
