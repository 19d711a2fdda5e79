/** How well a member is with the room, for a glance. Pure. */

import { t } from "@/text";
import type { MemberStatus } from "@/wire/wire.gen";

export interface Light {
  readonly tone: "good" | "warn" | "bad" | "away" | "busy";
  readonly text: string;
}

const GOOD_S = 0.15;
const NEAR_S = 0.5;

export function lightOf(status: MemberStatus | undefined): Light {
  if (status === undefined) return { tone: "away", text: t.people.light.unheard };
  switch (status.state) {
    case "hidden":
      return { tone: "away", text: t.people.light.away };
    case "buffering":
    case "stalled":
      return { tone: "busy", text: status.is_excused ? t.people.light.excused : t.people.light.loading };
    case "ready":
      return timing(status.drift);
  }
}

export function toneOf(drift: number | null): "good" | "warn" | "bad" {
  const off = Math.abs(drift ?? 0);
  return off <= GOOD_S ? "good" : off <= NEAR_S ? "warn" : "bad";
}

function timing(drift: number | null): Light {
  if (drift === null) return { tone: "good", text: t.people.light.ready };
  const off = Math.abs(drift);
  const tone = toneOf(drift);
  const { inTime, ahead, behind } = t.people.light;
  const size = off < 1 ? `${Math.round(off * 1000)} ms` : `${off.toFixed(1)} s`;
  return { tone, text: off < 0.02 ? inTime : drift > 0 ? ahead(size) : behind(size) };
}
