import { t } from "@/text";
import type { RoomEvent } from "@/wire/frames";

/** What flashes over the picture when somebody does something. `key` makes each flash a new one. */
export interface Feedback {
  readonly key: number;
  readonly kind: "play" | "pause" | "back" | "forward" | "seek" | "rate" | "volume";
  readonly text: string;
}

/** "Ana paused", for what others do; null for what wants no flash. */
export function feedbackOf(event: RoomEvent, name: string, from: number): Omit<Feedback, "key"> | null {
  switch (event.type) {
    case "play":
      return { kind: "play", text: t.deeds.play(name) };
    case "pause":
      return { kind: "pause", text: t.deeds.pause(name) };
    case "seek":
      return event.timestamp < from
        ? { kind: "back", text: t.deeds.back(name) }
        : { kind: "forward", text: t.deeds.ahead(name) };
    case "set_rate":
      return { kind: "rate", text: t.deeds.rate(name, `${event.rate}×`) };
    default:
      return null;
  }
}
