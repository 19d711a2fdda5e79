/** Keeps one player with the room. Pure: it is told the time and what the media does, and says what it should do. */
import { SeekCost } from "./cost";
import { correct, DONE_S, HARD_S, isCoarse, keepGoing, SOFT_S, tighten, towards } from "./drift";
import { type Anchor, positionAt } from "./position";

/** What the media does. Times in seconds, on the room's timeline. */
export interface MediaView {
  /** Null where the stream has no coordinate that others share. */
  readonly position: number | null;
  readonly duration: number | null;
  readonly isReady: boolean;
  readonly isPaused: boolean;
  readonly isSeeking: boolean;
  readonly isStalled: boolean;
  readonly isEnded: boolean;
  /** At the newest picture of a live stream, where hurrying only runs it dry. */
  readonly isAtEdge?: boolean;
}

/** What the media should do. */
export interface Orders {
  readonly play: boolean;
  readonly rate: number;
  readonly seekTo: number | null;
}

/** Why a new anchor came: a jump is followed at once, a beat only checks. */
export type Cause = "jump" | "start" | "stop" | "beat";

// A paused picture is put on the room's frame when it is further off than one.
const PAUSED_S = 0.04;
const SETTLE_WITHIN_S = 3;
const SETTLE_READINGS = 3;
const TRIM_S = 0.06;
/** Up to here a trim changes the speed for two seconds, which nobody notices; beyond, it is one seek. */
const TRIM_BY_RATE_S = 0.12;
const TRIM_DONE_S = 0.02;
/** A correction has gained something when it closed the gap by this much. */
const GAIN_S = 0.25;
const ENDED_S = 0.5;
const MOST_FRUITLESS = 3;

interface Landing {
  /** How far off it was before the seek. */
  readonly before: number;
}

export class Follower {
  readonly cost = new SeekCost();
  private anchor: Anchor | null = null;
  private factor = 1;
  private done = DONE_S;
  private mustJump = false;
  private settlingSince: number | null = null;
  private mustSettle = false;
  private readings: readonly number[] = [];
  private landing: Landing | null = null;
  private fruitless = 0;
  private aimed: number | null = null;
  private isTight = false;
  private recent: readonly number[] = [];

  /** Whether small gaps are closed, too. */
  setTight(isTight: boolean): void {
    this.isTight = isTight;
  }

  /** Corrections stopped because they gained nothing. */
  get hasGivenUp(): boolean {
    return this.fruitless >= MOST_FRUITLESS;
  }

  follow(anchor: Anchor, cause: Cause): void {
    this.anchor = anchor;
    if (cause === "beat") return;
    this.fruitless = 0;
    this.factor = 1;
    this.recent = [];
    this.landing = null;
    this.settlingSince = null;
    this.mustSettle = anchor.isPlaying;
    this.mustJump = cause === "jump";
    this.aimed = null;
  }

  /** The tab is seen again, or the media was replaced: one seek brings it back, if it is off at all. */
  jump(): void {
    this.mustJump = true;
    this.mustSettle = true;
    this.aimed = null;
  }

  /** How far the media is ahead of the room, in seconds; null where that has no meaning. */
  drift(now: number, media: MediaView): number | null {
    if (this.anchor === null || media.position === null || !media.isReady) return null;
    return media.position - positionAt(this.anchor, now, media.duration);
  }

  /** What to do at `now` (room clock). `isBeat`: a heartbeat has just come, so that the bands apply. */
  tick(now: number, media: MediaView, isBeat = false): Orders {
    const anchor = this.anchor;
    if (anchor === null || !media.isReady) return { play: false, rate: anchor?.rate ?? 1, seekTo: null };
    const drift = this.drift(now, media);
    if (drift === null) return { play: anchor.isPlaying && now >= anchor.at, rate: anchor.rate, seekTo: null };
    if (!anchor.isPlaying) return this.rest(anchor, now, media, drift);
    if (now < anchor.at) return { play: false, rate: anchor.rate, seekTo: this.aim(anchor.position, media, drift) };
    return this.run(anchor, now, media, drift, isBeat);
  }

  private rest(anchor: Anchor, now: number, media: MediaView, drift: number): Orders {
    // A pause that is due in a moment: until then everything goes on.
    if (now < anchor.at) return { play: !media.isPaused, rate: anchor.rate, seekTo: null };
    this.calm();
    return { play: false, rate: anchor.rate, seekTo: this.aim(anchor.position, media, drift) };
  }

  /** One seek to a standing target; an element that lands a frame beside it is left there. */
  private aim(position: number, media: MediaView, drift: number): number | null {
    if (Math.abs(drift) <= PAUSED_S || this.aimed === position) return null;
    if (media.duration !== null && position >= media.duration && media.isEnded) return null;
    this.mustJump = false;
    this.aimed = position;
    return position;
  }

  private run(anchor: Anchor, now: number, media: MediaView, drift: number, isBeat: boolean): Orders {
    const target = positionAt(anchor, now, media.duration);
    const go = (seekTo: number | null): Orders => {
      const rate = anchor.rate * this.factor;
      return { play: true, rate: media.isAtEdge ? Math.min(1, rate) : rate, seekTo };
    };
    // `play` on an element that has ended would begin it again.
    const end = media.isEnded ? ENDED_S : 0;
    if (media.duration !== null && target >= media.duration - end) {
      this.calm();
      return { play: !media.isEnded, rate: anchor.rate, seekTo: null };
    }
    if (media.isSeeking || media.isStalled) {
      this.disturbed();
      return go(null);
    }
    if (this.mustJump || (media.isPaused && Math.abs(drift) > TRIM_BY_RATE_S) || media.isEnded) {
      this.mustJump = false;
      return Math.abs(drift) > TRIM_S ? go(this.chase(target, drift)) : go(null);
    }
    if (media.isPaused) return go(null);
    if (this.landing !== null || this.mustSettle) {
      const off = this.read(now, drift);
      return go(off === null ? null : this.trim(target, off));
    }
    return go(this.keep(target, drift, isBeat));
  }

  private keep(target: number, drift: number, isBeat: boolean): number | null {
    if (Math.abs(drift) < HARD_S) this.fruitless = 0;
    if (this.isTight && Math.abs(drift) <= SOFT_S && !isCoarse(this.factor)) {
      this.recent = [...this.recent, drift].slice(-SETTLE_READINGS);
      if (this.recent.length === SETTLE_READINGS) this.factor = tighten(median(this.recent), this.factor);
      return null;
    }
    this.recent = [];
    if (!isBeat) {
      this.factor = keepGoing(drift, this.factor, this.done);
      return null;
    }
    const correction = correct(drift, this.factor);
    if (correction.kind === "rate") {
      if (correction.factor !== this.factor) this.done = DONE_S;
      this.factor = correction.factor;
      return null;
    }
    return this.hasGivenUp ? null : this.chase(target, drift);
  }

  /** After a start, a seek or a stall: how far off it is, once that has been seen a few times. */
  private read(now: number, drift: number): number | null {
    this.settlingSince ??= now;
    this.readings = [...this.readings, drift];
    if (this.readings.length < SETTLE_READINGS && now - this.settlingSince < SETTLE_WITHIN_S) return null;
    const off = median(this.readings);
    this.settlingSince = null;
    this.readings = [];
    if (this.landing !== null) this.learn(this.landing, off);
    return off;
  }

  /** At most one, then the bands take over. */
  private trim(target: number, off: number): number | null {
    const isWanted = this.mustSettle && Math.abs(off) > TRIM_S && !this.hasGivenUp;
    this.mustSettle = false;
    if (!isWanted) return null;
    if (Math.abs(off) > TRIM_BY_RATE_S) return this.chase(target, off);
    this.factor = towards(off);
    this.done = TRIM_DONE_S;
    return null;
  }

  /** A seek to a target that moves on while the seek lasts. */
  private chase(target: number, drift: number): number {
    this.factor = 1;
    this.recent = [];
    this.landing = { before: Math.abs(drift) };
    return target + this.cost.seconds;
  }

  /** A seek has landed: what did it cost, and did it gain anything? */
  private learn(landing: Landing, off: number): void {
    this.landing = null;
    this.cost.landed(off);
    const hasGained = Math.abs(off) <= Math.max(TRIM_BY_RATE_S, landing.before - GAIN_S);
    this.fruitless = hasGained ? 0 : this.fruitless + 1;
  }

  private disturbed(): void {
    this.factor = 1;
    this.recent = [];
    this.settlingSince = null;
    this.readings = [];
    if (this.landing === null) this.mustSettle = true;
  }

  private calm(): void {
    this.factor = 1;
    this.recent = [];
    this.settlingSince = null;
    this.readings = [];
    this.landing = null;
    this.mustJump = false;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
