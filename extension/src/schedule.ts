/** When a site's cookies are sent. Pure: times are Unix milliseconds. */
import type { SiteState } from "./state";

/** A sign-in changes many cookies: they are sent when it has been quiet for so long. */
export const QUIET_MS = 3_000;
/** Where it is never quiet, as where a script counts the seconds in a cookie, nothing waits longer. */
export const MOST_WAIT_MS = 60_000;
/** Sites change cookies at every click: what is changed again waits for so long. */
export const PAUSE_MS = 15_000;
/** The server forgets cookies after a month, and expiries move without a change that counts. */
export const REGULAR_MS = 12 * 3_600_000;
/** When to look again after what is being done, in case that this process does not live to its end. */
export const RESCUE_MS = 30_000;
const RETRY_MS = 30_000;
const MOST_RETRY_MS = 3_600_000;

/** When there is something to do for a site, as of `now`; infinity for never. */
export function dueAt(state: SiteState, now: number): number {
  // Nothing waits for longer than the regular time, unless the clock was wrong when it was noted.
  return Math.max(wantedAt(state, now), state.retryAt > now + REGULAR_MS ? 0 : state.retryAt);
}

/** How long to wait after so many failures in a row. */
export function backoff(failures: number): number {
  return Math.min(RETRY_MS * 2 ** Math.max(0, failures - 1), MOST_RETRY_MS);
}

function wantedAt(state: SiteState, now: number): number {
  const { isLeaving, isRushed, changedAt, waitingSince, syncedAt, problem } = state;
  if (isLeaving || isRushed || problem !== null || syncedAt === null) return 0;
  if (Math.max(syncedAt, changedAt ?? 0) > now) return 0;
  const regular = syncedAt + REGULAR_MS;
  if (changedAt === null) return regular;
  const quietAt = Math.min(changedAt + QUIET_MS, (waitingSince ?? changedAt) + MOST_WAIT_MS);
  return Math.min(regular, Math.max(quietAt, syncedAt + PAUSE_MS));
}
