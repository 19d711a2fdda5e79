/** When a site's cookies are sent. Pure: times are Unix milliseconds. */
import type { SiteState } from "./state";

/** A sign-in changes many cookies: they are sent when it has been quiet for so long. */
export const QUIET_MS = 3_000;
/** Sites change cookies at every click: what is changed again waits for so long. */
export const PAUSE_MS = 15_000;
/** The server forgets cookies after a month, and expiries move without a change that counts. */
export const REGULAR_MS = 12 * 3_600_000;
const RETRY_MS = 30_000;
const MOST_RETRY_MS = 3_600_000;

/** When there is something to do for a site; infinity for never. */
export function dueAt(state: SiteState): number {
  return Math.max(wantedAt(state), state.retryAt);
}

/** How long to wait after so many failures in a row. */
export function backoff(failures: number): number {
  return Math.min(RETRY_MS * 2 ** Math.max(0, failures - 1), MOST_RETRY_MS);
}

function wantedAt({ isLeaving, isRushed, changedAt, syncedAt, problem }: SiteState): number {
  if (isLeaving || isRushed || problem !== null || syncedAt === null) return 0;
  const regular = syncedAt + REGULAR_MS;
  return changedAt === null ? regular : Math.min(regular, Math.max(changedAt + QUIET_MS, syncedAt + PAUSE_MS));
}
