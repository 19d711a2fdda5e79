const BASE_MS = 250;
const CAP_MS = 10_000;

/** Full jitter: anything from nothing to the doubled ceiling, so that a thousand clients do not come back at once. */
export function backoffMs(attempt: number, random: number): number {
  return random * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16));
}
