import type { ClientMessage } from "@/wire/frames";
import type { Status } from "@/wire/wire.gen";
import { toneOf } from "./lights";
import { Readiness, type Situation } from "./readiness";

const EVERY_MS = 5000;
/** What others see of the drift is told sooner, but not while it settles. */
const TONE_AFTER_MS = 1000;
const MOST_RTT_S = 60;
const MOST_CORRECTIONS = 1000;

/** What a report tells beside its state, in seconds. */
export interface Figures {
  readonly position: number | null;
  readonly drift: number | null;
  readonly roundTrip: number | null;
  /** What a live stream offers. */
  readonly window: Status["window"];
}

/** Tells the room how this player is: at once when that changes, else every five seconds. */
export class Reporter {
  private readonly readiness = new Readiness();
  private seeks = 0;
  private rates = 0;
  private told: {
    readonly state: Status["state"];
    readonly tone: string;
    readonly item: string | null;
    readonly at: number;
  } | null = null;

  constructor(private readonly send: (message: ClientMessage) => void) {}

  /** On a fresh connection everything is news. */
  forget(): void {
    this.told = null;
  }

  /** The player was moved, or its speed changed, to be with the room. */
  corrected(by: "seek" | "rate"): void {
    if (by === "seek") this.seeks = Math.min(MOST_CORRECTIONS, this.seeks + 1);
    else this.rates = Math.min(MOST_CORRECTIONS, this.rates + 1);
  }

  /** `now` in milliseconds on any steady clock. */
  report(now: number, situation: Situation, figures: Figures): void {
    const state = this.readiness.observe(now / 1000, situation);
    const tone = toneOf(figures.drift);
    const item = figures.window?.item_id ?? null;
    if (this.told?.state === state && this.told.item === item) {
      const patience = state === "ready" && tone !== this.told.tone ? TONE_AFTER_MS : EVERY_MS;
      if (now - this.told.at < patience) return;
    }
    this.told = { state, tone, item, at: now };
    this.send({
      type: "status",
      state,
      position: figures.position,
      drift: figures.drift,
      buffered: situation.ahead,
      rtt: figures.roundTrip === null ? null : Math.min(MOST_RTT_S, figures.roundTrip),
      seeks: this.seeks,
      rates: this.rates,
      window: figures.window ?? null,
    });
    this.seeks = 0;
    this.rates = 0;
  }
}
