/** Keeps the screen on while the room plays and this page is seen. */

/** Refused, as where power is saved: asked again after a while. */
const AGAIN_MS = 30_000;

export class WakeLock {
  private lock: WakeLockSentinel | null = null;
  private isWanted = false;
  private isAsking = false;
  private refusedAt = Number.NEGATIVE_INFINITY;

  /** Called time and again. */
  want(isWanted: boolean): void {
    this.isWanted = isWanted && document.visibilityState === "visible";
    if (!this.isWanted) this.give();
    else if (this.lock?.released !== false) void this.take();
  }

  give(): void {
    this.isWanted = false;
    void this.lock?.release().catch(() => undefined);
    this.lock = null;
  }

  private async take(): Promise<void> {
    // A second lock would be held for ever.
    if (this.isAsking || performance.now() - this.refusedAt < AGAIN_MS) return;
    this.isAsking = true;
    try {
      const lock = (await navigator.wakeLock?.request("screen")) ?? null;
      if (lock === null) this.refusedAt = performance.now();
      else if (this.isWanted) this.lock = lock;
      else await lock.release();
    } catch {
      this.refusedAt = performance.now();
    } finally {
      this.isAsking = false;
    }
  }
}
