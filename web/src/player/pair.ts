/** The loop that keeps an audio element with its video element, at 4 Hz. Pure. Times in seconds. */

export interface PairView {
  readonly now: number;
  readonly videoTime: number;
  readonly audioTime: number;
  /** `buffered.end − currentTime` of the range that holds `currentTime`. */
  readonly videoAhead: number;
  readonly audioAhead: number;
  readonly duration: number | null;
  readonly isVideoRunning: boolean;
  /** The sound is shorter, and at its end. To play it would begin it again. */
  readonly isAudioOver: boolean;
  readonly isAudioPaused: boolean;
  readonly isAudioSeeking: boolean;
  readonly isHidden: boolean;
}

export interface PairOrders {
  readonly pauseAudio?: true;
  readonly seekAudioTo?: number;
  readonly playAudio?: true;
  /** Multiplies the rate that both share. */
  readonly factor: number;
}

const LOW_S = 0.8;
const ENOUGH_S = 1.5;
const END_S = 1;
const EMERGENCY_S = 2;
const HEAVY_S = 0.8;
const LIGHT_S = 0.2;
const COOLDOWN_S = 3;
/** What 3 % have not closed by then would take them up to 20 s more: 0.6 s of it. */
const PATIENCE_S = 3;
const SLOWER = 0.97;
const FASTER = 1.03;

// Inside of the dead band: starting two elements leaves them some 70 ms apart, and whatever stretches time another 20.
// So small a change of speed keeps the pitch as it falls, without stretching. One reading alone is off by up to 25 ms.
const READINGS = 3;
const UNSETTLED_S = 0.04;
const SETTLED_S = 0.01;
const SETTLING = 0.02;

export class PairLoop {
  private isHeld = false;
  private mustAlign = false;
  private heavyAt = Number.NEGATIVE_INFINITY;
  /** Since when they have been further apart than the dead band. */
  private farSince: number | null = null;
  private readings: readonly number[] = [];
  private isSettling = false;

  /** Audio waits for buffers. */
  get isHolding(): boolean {
    return this.isHeld;
  }

  /** The tab is seen again. */
  wake(): void {
    this.mustAlign = true;
  }

  /** Both were moved together. */
  reset(): void {
    this.isHeld = false;
    this.mustAlign = false;
    this.heavyAt = Number.NEGATIVE_INFINITY;
    this.farSince = null;
    this.forget();
  }

  tick(view: PairView): PairOrders {
    const drift = view.audioTime - view.videoTime;
    const orders = this.order(view, drift);
    if (orders === null) return { factor: this.settle(drift) };
    this.forget();
    return orders;
  }

  /** What must be done; null where both run inside of the dead band. */
  private order(view: PairView, drift: number): PairOrders | null {
    const ahead = Math.min(view.videoAhead, view.audioAhead);
    const isNearEnd = view.duration !== null && view.duration - Math.max(view.videoTime, view.audioTime) < END_S;
    if (view.isHidden) return { factor: 1 };
    if (view.isAudioOver) {
      this.isHeld = false;
      this.mustAlign = false;
      this.farSince = null;
      return { factor: 1 };
    }
    if (this.isHeld) return this.held(view, drift, isNearEnd || ahead > ENOUGH_S);
    if (!isNearEnd && ahead < LOW_S) {
      this.isHeld = true;
      return { factor: 1, pauseAudio: true };
    }
    if (view.isAudioSeeking) return { factor: 1 };
    if (view.isAudioPaused && view.isVideoRunning) return this.restart(view, drift);
    return this.correct(view, drift);
  }

  private held(view: PairView, drift: number, isEnough: boolean): PairOrders {
    if (isEnough) {
      this.isHeld = false;
      return this.restart(view, drift);
    }
    // Far apart, audio would never buffer where it is needed.
    if (Math.abs(drift) > EMERGENCY_S && !view.isAudioSeeking) return { factor: 1, seekAudioTo: view.videoTime };
    return { factor: 1 };
  }

  private restart(view: PairView, drift: number): PairOrders {
    this.mustAlign = false;
    if (Math.abs(drift) <= LIGHT_S) return { factor: 1, playAudio: true };
    return { factor: 1, seekAudioTo: view.videoTime, playAudio: true };
  }

  private correct(view: PairView, drift: number): PairOrders | null {
    const size = Math.abs(drift);
    const mustAlign = this.mustAlign;
    this.mustAlign = false;
    if (size > EMERGENCY_S || (mustAlign && size > LIGHT_S)) return { factor: 1, seekAudioTo: view.videoTime };
    this.farSince = size > LIGHT_S ? (this.farSince ?? view.now) : null;
    const isLasting = this.farSince !== null && view.now - this.farSince >= PATIENCE_S;
    if ((size > HEAVY_S || isLasting) && view.now - this.heavyAt >= COOLDOWN_S) {
      this.heavyAt = view.now;
      this.farSince = null;
      return { factor: 1, pauseAudio: true, seekAudioTo: view.videoTime, playAudio: true };
    }
    if (size > LIGHT_S) return { factor: drift > 0 ? SLOWER : FASTER };
    return null;
  }

  /** Closes what is left, once readings agree that it is there. */
  private settle(drift: number): number {
    this.readings = [...this.readings, drift].slice(-READINGS);
    if (this.readings.length < READINGS) return 1;
    const [, typical = 0] = [...this.readings].sort((a, b) => a - b);
    this.isSettling = Math.abs(typical) > (this.isSettling ? SETTLED_S : UNSETTLED_S);
    if (!this.isSettling) return 1;
    return typical > 0 ? 1 - SETTLING : 1 + SETTLING;
  }

  private forget(): void {
    this.readings = [];
    this.isSettling = false;
  }
}
