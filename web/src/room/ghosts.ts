/** Where others are who are not with the room. Pure. */
import type { Replica } from "./replica";

export interface Ghost {
  readonly id: string;
  readonly name: string;
  /** Seconds on the room's timeline. */
  readonly at: number;
}

/** Closer than this they are with the room, for eyes. */
const FAR_S = 1;

/** Those whose pictures are more than a second from the room's `position`; not oneself, nor who looks elsewhere. */
export function ghostsOf(replica: Replica | null, position: number): readonly Ghost[] {
  if (replica === null) return [];
  return Object.entries(replica.statuses).flatMap(([id, { state, drift }]) => {
    const name = replica.members[id]?.name;
    if (name === undefined || id === replica.you.id || state === "hidden") return [];
    return drift !== null && Math.abs(drift) > FAR_S ? [{ id, name, at: position + drift }] : [];
  });
}
