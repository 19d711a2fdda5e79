/** The bands of the room's drift correction. `drift` is media minus room, in seconds: positive is ahead. */

export const HARD_S = 3;
export const SOFT_S = 0.5;
/** A correction once begun runs on until here: with one edge for both, everybody would be parked on it. */
export const DONE_S = 0.1;
export const TIGHT_DONE_S = 0.01;
const SLOWER = 0.95;
const FASTER = 1.05;

export type Correction = { readonly kind: "seek" } | { readonly kind: "rate"; readonly factor: number };

/** What a heartbeat asks for. The factor multiplies the room's own rate. */
export function correct(drift: number, factor: number, done = DONE_S): Correction {
  const size = Math.abs(drift);
  if (size > HARD_S) return { kind: "seek" };
  if (size > SOFT_S) return { kind: "rate", factor: towards(drift) };
  return { kind: "rate", factor: keepGoing(drift, factor, done) };
}

/** Between heartbeats a correction only ever ends: at `done`, or when it has gone past. */
export function keepGoing(drift: number, factor: number, done: number): number {
  if (factor === 1 || Math.abs(drift) < done || towards(drift) !== factor) return 1;
  return factor;
}

function towards(drift: number): number {
  return drift > 0 ? SLOWER : FASTER;
}
