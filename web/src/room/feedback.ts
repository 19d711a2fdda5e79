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
      return { kind: "play", text: `${name} pressed play` };
    case "pause":
      return { kind: "pause", text: `${name} paused` };
    case "seek":
      return event.timestamp < from
        ? { kind: "back", text: `${name} went back` }
        : { kind: "forward", text: `${name} skipped ahead` };
    case "set_rate":
      return { kind: "rate", text: `${name} set the speed to ${event.rate}×` };
    default:
      return null;
  }
}
