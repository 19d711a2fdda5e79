/** The bands of the room's drift correction. `drift` is media minus room, in seconds: positive is ahead. */

export const HARD_S = 3;
export const SOFT_S = 0.5;
/** A correction once begun runs on until here: with one edge for both, everybody would be parked on it. */
export const DONE_S = 0.1;
const SLOWER = 0.95;
const FASTER = 1.05;

export type Correction = { readonly kind: "seek" } | { readonly kind: "rate"; readonly factor: number };

/** What a heartbeat asks for. The factor multiplies the room's own rate. */
export function correct(drift: number, factor: number): Correction {
  const size = Math.abs(drift);
  if (size > HARD_S) return { kind: "seek" };
  if (size > SOFT_S) return { kind: "rate", factor: towards(drift) };
  return { kind: "rate", factor: keepGoing(drift, factor, DONE_S) };
}

/** Between heartbeats a correction only ever ends: at `done`, or when it has gone past. */
export function keepGoing(drift: number, factor: number, done: number): number {
  if (factor === 1 || Math.abs(drift) < done || towards(drift) !== factor) return 1;
  return factor;
}

export function towards(drift: number): number {
  return drift > 0 ? SLOWER : FASTER;
}

const TIGHT_BEGIN_S = 0.04;
const TIGHT_STOP_S = 0.01;
/** The share of the gap that is closed each second. */
const TIGHT_GAIN = 0.25;
const TIGHT_MOST = 0.02;
/** Steps, so that the element is not told a new speed four times a second. */
const TIGHT_STEP = 0.0025;

/** Whether a factor is one of the bands', and not one of a tight room's. */
export function isCoarse(factor: number): boolean {
  return factor <= SLOWER || factor >= FASTER;
}

/** Inside the soft band of a tight room: a speed in proportion, begun at 40 ms and ended at 10 ms or past the target. */
export function tighten(drift: number, factor: number): number {
  const size = Math.abs(drift);
  if (size < (factor === 1 ? TIGHT_BEGIN_S : TIGHT_STOP_S)) return 1;
  if (factor !== 1 && factor < 1 !== drift > 0) return 1;
  const part = Math.min(TIGHT_MOST, size * TIGHT_GAIN);
  const stepped = Math.max(1, Math.round(part / TIGHT_STEP)) * TIGHT_STEP;
  return drift > 0 ? 1 - stepped : 1 + stepped;
}
