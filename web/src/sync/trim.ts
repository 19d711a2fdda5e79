/** A change of speed that is worked out before it begins: one correction has one beginning and one end. */
export interface Trim {
  /** Multiplies the room's rate. */
  readonly factor: number;
  /** Room time at which the gap is closed. */
  readonly until: number;
}

/** In how many seconds a gap is closed, unless that takes more than the most. */
interface Law {
  readonly takes: number;
  readonly most: number;
}

/** After a start, a join, a seek or a stall. */
export const SETTLING: Law = { takes: 2, most: 0.05 };
/** In a tight room, where nobody did anything: a quarter of the gap each second, two per cent at most. */
export const TIGHTENING: Law = { takes: 4, most: 0.02 };

/** Closes a drift (seconds, positive is ahead) of media that plays at the room's `rate`, from `now` on. */
export function trimOf(drift: number, now: number, rate: number, law: Law): Trim {
  const part = Math.min(law.most, Math.abs(drift) / law.takes);
  return { factor: drift > 0 ? 1 - part : 1 + part, until: now + Math.abs(drift) / (part * rate) };
}
