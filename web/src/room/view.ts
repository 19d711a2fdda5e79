import { type Anchor, REST } from "@/sync/position";
import type { QueueItem, Waiting } from "@/wire/wire.gen";
import type { Replica } from "./replica";

/** The room as this person sees it. */
export interface RoomView {
  readonly replica: Replica | null;
  /** The queue as this person expects it. */
  readonly queue: readonly QueueItem[];
  /** The anchor as this person expects it: what the controls show. */
  readonly anchor: Anchor;
  /** The room stands for somebody, as far as this person has not pressed anything since. */
  readonly waiting: Waiting | null;
}

/** What "next" means: the first behind what plays that can be played. */
export function upNext({ queue, replica }: RoomView): QueueItem | null {
  const place = queue.findIndex(({ id }) => id === replica?.itemId);
  return queue.slice(place + 1).find(({ status }) => status !== "failed") ?? null;
}

export const NOTHING: RoomView = { replica: null, queue: [], anchor: REST, waiting: null };
