/** Keeps the screen on while the room plays and this page is seen. */
export class WakeLock {
  private lock: WakeLockSentinel | null = null;
  private isWanted = false;

  want(isWanted: boolean): void {
    const mayHold = isWanted && document.visibilityState === "visible";
    if (mayHold === this.isWanted && (!mayHold || this.lock?.released === false)) return;
    this.isWanted = mayHold;
    if (mayHold) void this.take();
    else this.give();
  }

  give(): void {
    this.isWanted = false;
    void this.lock?.release().catch(() => undefined);
    this.lock = null;
  }

  private async take(): Promise<void> {
    try {
      const lock = await navigator.wakeLock?.request("screen");
      if (lock === undefined) return;
      if (this.isWanted) this.lock = lock;
      else await lock.release();
    } catch {
      // Saving power, or not allowed: the screen may go dark.
    }
  }
}
