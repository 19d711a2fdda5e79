/** What is told of this player to the room: changes at once, but no flicker. Pure. */
import type { MediaView } from "@/sync/follower";
import type { Status } from "@/wire/wire.gen";

/** Shorter pauses of the picture are nobody's business. */
const DRY_AFTER_S = 0.25;
/** Who says "ready" must not run dry in the same breath. */
const ENOUGH_S = 0.5;
const END_S = 0.25;

export interface Situation {
  readonly isHidden: boolean;
  readonly phase: "empty" | "loading" | "ready" | "failed";
  /** There is something to play, or soon will be. */
  readonly hasItem: boolean;
  readonly view: MediaView;
  /** Seconds loaded beyond the picture. */
  readonly ahead: number;
}

export class Readiness {
  private since: number | null = null;
  private isDry = true;

  /** The state at `now`, in seconds on any steady clock. */
  observe(now: number, situation: Situation): Status["state"] {
    const { phase, hasItem } = situation;
    if (phase !== "ready") {
      this.isDry = true;
      if (situation.isHidden) return "hidden";
      if (phase === "failed") return "stalled";
      return hasItem ? "buffering" : "ready";
    }
    this.look(now, situation);
    if (situation.isHidden) return "hidden";
    if (!this.isDry) return "ready";
    return situation.view.isSeeking || this.since === null ? "buffering" : "stalled";
  }

  private look(now: number, { view, ahead }: Situation): void {
    if (view.isStalled || view.isSeeking) {
      this.since ??= now;
      if (now - this.since >= DRY_AFTER_S) this.isDry = true;
      return;
    }
    this.since = null;
    if (ahead >= ENOUGH_S || isAtEnd(view, ahead)) this.isDry = false;
  }
}

function isAtEnd(view: MediaView, ahead: number): boolean {
  if (view.isEnded) return true;
  return view.duration !== null && view.position !== null && view.duration - view.position - ahead < END_S;
}
