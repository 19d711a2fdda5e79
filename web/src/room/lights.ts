/** How well a member is with the room, for a glance. Pure. */
import type { MemberStatus } from "@/wire/wire.gen";

export interface Light {
  readonly tone: "good" | "warn" | "bad" | "away" | "busy";
  readonly text: string;
}

const GOOD_S = 0.15;
const NEAR_S = 0.5;

export function lightOf(status: MemberStatus | undefined): Light {
  if (status === undefined) return { tone: "away", text: "Not heard of yet" };
  const excuse = status.is_excused ? ". The room does not wait" : "";
  switch (status.state) {
    case "hidden":
      return { tone: "away", text: "Looking at something else" };
    case "buffering":
    case "stalled":
      return { tone: "busy", text: `Loading${excuse}` };
    case "ready":
      return { ...inTime(status.drift) };
  }
}

export function toneOf(drift: number | null): "good" | "warn" | "bad" {
  const off = Math.abs(drift ?? 0);
  return off <= GOOD_S ? "good" : off <= NEAR_S ? "warn" : "bad";
}

function inTime(drift: number | null): Light {
  if (drift === null) return { tone: "good", text: "Ready" };
  const off = Math.abs(drift);
  const tone = toneOf(drift);
  const size = off < 1 ? `${Math.round(off * 1000)} ms` : `${off.toFixed(1)} s`;
  return { tone, text: off < 0.02 ? "In time" : `${size} ${drift > 0 ? "ahead" : "behind"}` };
}
