/** Keeps one player with the room. Pure: it is told the time and what the media does, and says what it should do. */
import { correct, DONE_S, HARD_S, keepGoing, SOFT_S, TIGHT_DONE_S } from "./drift";
import { Gauge } from "./gauge";
import { Latency } from "./latency";
import { type Anchor, positionAt, unbounded } from "./position";
import { Tightness } from "./tightness";
import { SETTLING, type Trim, trimOf } from "./trim";

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
  /** Where the stream has no picture, in order. Whoever would be there stands at what comes next. */
  readonly holes?: readonly Hole[];
}

export interface Hole {
  readonly start: number;
  readonly end: number;
}

/** What the media should do. */
export interface Orders {
  readonly play: boolean;
  readonly rate: number;
  readonly seekTo: number | null;
  /** When to ask again, in room time, if that is before the next tick. */
  readonly wakeAt: number | null;
}

/** Why a new anchor came: a jump is followed at once, a beat only checks. */
export type Cause = "jump" | "start" | "stop" | "beat";

// A paused picture is put on the room's frame when it is further off than one.
const PAUSED_S = 0.04;
/** Nothing lands so far beside where it was sent. */
const STRAY_S = 0.5;
/** Nearer than this a jump is none. */
const JUMP_S = 0.06;
/** So much too early a seek may land. */
const EARLY_S = 0.02;
const SETTLED = { readings: 3, within: 0.015, patience: 1.25 };
const TRIM_S = 0.02;
/** What a stall loses is not worth a correction up to here: on a busy machine there would be one after the other. */
const STALL_TRIM_S = 0.06;
/** Up to here a trim changes the speed for two seconds, which nobody notices; beyond, it is one seek. */
const TRIM_BY_RATE_S = 0.12;
/** A correction has gained something when it closed the gap by this much. */
const GAIN_S = 0.25;
const ENDED_S = 0.5;
const MOST_FRUITLESS = 3;

/** Told to seek or to start, and not known yet what came of it. */
interface Landing {
  readonly kind: "seek" | "start";
  /** How far off it was before. */
  readonly before: number;
  /** How far ahead of the room it would be if it had taken no time. */
  readonly ahead: number;
}

export class Follower {
  readonly seeks = new Latency();
  readonly starts = new Latency();
  private readonly gauge = new Gauge(SETTLED);
  private readonly tightness = new Tightness();
  private anchor: Anchor | null = null;
  private factor = 1;
  private trim: Trim | null = null;
  private mustJump = false;
  /** What it has to settle after. */
  private settling: "act" | "stall" | null = null;
  private landing: Landing | null = null;
  private fruitless = 0;
  private aimed: number | null = null;
  private isTight = false;

  /** Whether small gaps are closed, too. */
  setTight(isTight: boolean): void {
    this.isTight = isTight;
  }

  /** Corrections stopped because they gained nothing. */
  get hasGivenUp(): boolean {
    return this.fruitless >= MOST_FRUITLESS || this.tightness.hasGivenUp;
  }

  follow(anchor: Anchor, cause: Cause): void {
    this.anchor = anchor;
    if (cause === "beat") return;
    this.calm();
    this.tightness.forgive();
    this.fruitless = 0;
    this.settling = anchor.isPlaying ? "act" : null;
    this.mustJump = cause === "jump";
    this.aimed = null;
  }

  /** The tab is seen again, or the media was replaced: one seek brings it back, if it is off at all. */
  jump(): void {
    this.mustJump = true;
    this.settling = "act";
    this.aimed = null;
  }

  /** How far the media is ahead of the room, in seconds; null where that has no meaning. */
  drift(now: number, media: MediaView): number | null {
    if (this.anchor === null || media.position === null || !media.isReady) return null;
    return media.position - beyond(positionAt(this.anchor, now, media.duration), media);
  }

  /** What to do at `now` (room clock). `isBeat`: a heartbeat has just come, so that the bands apply. */
  tick(now: number, media: MediaView, isBeat = false): Orders {
    const { anchor } = this;
    const drift = this.drift(now, media);
    const wakeAt = anchor !== null && now < anchor.at ? anchor.at : null;
    if (anchor === null || !media.isReady) return { play: false, rate: anchor?.rate ?? 1, seekTo: null, wakeAt };
    const { isPlaying, rate } = anchor;
    if (drift === null) return { play: isPlaying && now >= anchor.at, rate, seekTo: null, wakeAt };
    if (isPlaying) {
      return wakeAt === null ? this.run(anchor, now, media, drift, isBeat) : this.prepare(anchor, now, media, drift);
    }
    // A pause that is due in a moment: until then everything goes on.
    if (wakeAt !== null) return { play: !media.isPaused, rate, seekTo: null, wakeAt };
    this.calm();
    return { play: false, rate, seekTo: this.aim(beyond(anchor.position, media), media, drift), wakeAt };
  }

  /** A start is due in a moment. The picture stands where it begins, and is told to play as early as that takes. */
  private prepare(anchor: Anchor, now: number, media: MediaView, drift: number): Orders {
    const go = (play: boolean, seekTo: number | null, wakeAt: number | null): Orders => {
      return { play, rate: anchor.rate, seekTo, wakeAt };
    };
    if (this.landing !== null) return go(true, null, null);
    const isFar = this.mustJump && Math.abs(drift) > JUMP_S;
    if (isFar && !media.isPaused && now + this.seeks.seconds >= anchor.at - EARLY_S) {
      this.aimed = anchor.position;
      return go(true, this.chase(anchor, now, media, drift), null);
    }
    const seekTo = this.aim(beyond(anchor.position, media), media, drift);
    const startAt = anchor.at - this.starts.seconds;
    if (now < startAt) return go(false, seekTo, startAt);
    if (media.isPaused) this.start(anchor, now, seekTo ?? media.position ?? anchor.position, drift);
    return go(true, seekTo, null);
  }

  /** One seek to a standing target. An element that lands a frame beside it is left there; one that was moved since,
   * as by a library that begins where it was told to when it was made, is brought back. */
  private aim(position: number, media: MediaView, drift: number): number | null {
    if (Math.abs(drift) <= PAUSED_S) return null;
    if (media.duration !== null && position >= media.duration && media.isEnded) return null;
    if (this.aimed === position) {
      if (Math.abs(drift) <= STRAY_S || media.isSeeking || this.fruitless >= MOST_FRUITLESS) return null;
      this.fruitless += 1;
    }
    this.mustJump = false;
    this.aimed = position;
    return position;
  }

  private run(anchor: Anchor, now: number, media: MediaView, drift: number, isBeat: boolean): Orders {
    const go = (seekTo: number | null): Orders => {
      const rate = anchor.rate * (this.trim?.factor ?? this.factor);
      const wakeAt = this.trim?.until ?? null;
      return { play: true, rate: media.isAtEdge ? Math.min(1, rate) : rate, seekTo, wakeAt };
    };
    // `play` on an element that has ended would begin it again.
    const end = media.isEnded ? ENDED_S : 0;
    if (media.duration !== null && positionAt(anchor, now, media.duration) >= media.duration - end) {
      this.calm();
      return { play: !media.isEnded, rate: anchor.rate, seekTo: null, wakeAt: null };
    }
    const wait = this.untilPicture(anchor, now, media);
    if (wait !== null) {
      this.calm();
      return { play: false, rate: anchor.rate, seekTo: null, wakeAt: now + wait };
    }
    if (media.isSeeking || media.isStalled) {
      this.disturbed();
      return go(null);
    }
    if (this.mustJump || (media.isPaused && Math.abs(drift) > TRIM_BY_RATE_S) || media.isEnded) {
      if (Math.abs(drift) > JUMP_S) return go(this.chase(anchor, now, media, drift));
      this.mustJump = false;
    }
    if (media.isPaused) {
      if (this.landing?.kind !== "seek") this.start(anchor, now, media.position ?? 0, drift);
      return go(null);
    }
    if (this.landing !== null || this.settling !== null) return go(this.settle(anchor, now, media, drift));
    return go(this.keep(anchor, now, media, drift, isBeat));
  }

  /** How long to stand behind a hole that the room is still in, in seconds; null where it is in none. */
  private untilPicture(anchor: Anchor, now: number, media: MediaView): number | null {
    const room = positionAt(anchor, now, media.duration);
    const end = beyond(room, media);
    if (end === room || media.isSeeking || Math.abs((media.position ?? 0) - end) > STRAY_S) return null;
    const wait = (end - room) / anchor.rate - this.starts.seconds;
    return wait > 0 ? wait : null;
  }

  private keep(anchor: Anchor, now: number, media: MediaView, drift: number, isBeat: boolean): number | null {
    const size = Math.abs(drift);
    if (size < HARD_S) this.fruitless = 0;
    if (size <= SOFT_S && this.factor === 1) {
      if (this.trim === null) this.trim = this.isTight ? this.tightness.read(now, drift, anchor.rate) : null;
      else if (now >= this.trim.until) this.trim = null;
      return null;
    }
    this.trim = null;
    this.tightness.clear();
    const done = this.isTight ? TIGHT_DONE_S : DONE_S;
    if (!isBeat) {
      this.factor = keepGoing(drift, this.factor, done);
      return null;
    }
    const correction = correct(drift, this.factor, done);
    if (correction.kind === "rate") {
      this.factor = correction.factor;
      return null;
    }
    return this.fruitless >= MOST_FRUITLESS ? null : this.chase(anchor, now, media, drift);
  }

  /** After a start, a seek or a stall, once it is known how far off it is: at most one trim, then the bands take over. */
  private settle(anchor: Anchor, now: number, media: MediaView, drift: number): number | null {
    const off = this.gauge.read(now, drift);
    if (off === null) return null;
    this.gauge.clear();
    if (this.landing !== null) this.learn(this.landing, off, anchor.rate);
    const { settling } = this;
    this.settling = null;
    if (settling === null || this.fruitless >= MOST_FRUITLESS) return null;
    if (Math.abs(off) <= (settling === "act" ? TRIM_S : STALL_TRIM_S)) return null;
    if (settling === "stall") {
      if (Math.abs(off) <= GAIN_S && this.tightness.isResting(now)) return null;
      this.tightness.rest(now);
    }
    if (Math.abs(off) > TRIM_BY_RATE_S) return this.chase(anchor, now, media, off);
    this.trim = trimOf(off, now, anchor.rate, SETTLING);
    return null;
  }

  /** A seek to a target that moves on while the seek lasts. */
  private chase(anchor: Anchor, now: number, media: MediaView, drift: number): number {
    this.restart();
    this.mustJump = false;
    const target = beyond(positionAt(anchor, now + this.seeks.seconds, media.duration), media);
    this.landing = { kind: "seek", before: Math.abs(drift), ahead: target - unbounded(anchor, now) };
    return target;
  }

  private start(anchor: Anchor, now: number, position: number, drift: number): void {
    this.landing = { kind: "start", before: Math.abs(drift), ahead: position - unbounded(anchor, now) };
  }

  /** It has landed: how long did that take, and did it gain anything? */
  private learn(landing: Landing, off: number, rate: number): void {
    this.landing = null;
    const latency = landing.kind === "seek" ? this.seeks : this.starts;
    latency.took((landing.ahead - off) / rate);
    if (landing.kind === "start") return;
    const hasGained = Math.abs(off) <= Math.max(TRIM_BY_RATE_S, landing.before - GAIN_S);
    this.fruitless = hasGained ? 0 : this.fruitless + 1;
  }

  private disturbed(): void {
    this.restart();
    // A start that was disturbed says nothing about starts.
    if (this.landing?.kind === "start") this.landing = null;
    if (this.landing === null) this.settling ??= "stall";
  }

  private calm(): void {
    this.restart();
    this.landing = null;
    this.mustJump = false;
  }

  /** Whatever was read or begun is of another time. */
  private restart(): void {
    this.factor = 1;
    this.trim = null;
    this.gauge.clear();
    this.tightness.clear();
  }
}

/** Where a picture is to be for a position of the room: there, or behind the hole that it is in. */
function beyond(position: number, { holes = [] }: MediaView): number {
  return holes.reduce((at, { start, end }) => (at >= start && at < end ? end : at), position);
}
