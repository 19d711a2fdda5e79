/** Which codec to play a video in, where every rendition comes in several: within one, heights change unnoticed. */
import type { QualityOption } from "@/wire/wire.gen";
import type { Fitness } from "./quality";

const MOST = 12;
const SMOOTH = 2;

/** The family of a codec string: `avc1.4d401e` and `avc1.640028` are one. */
export function familyOf(codecs: string): string {
  const name = codecs.split(",")[0]?.trim().toLowerCase() ?? "";
  if (/^(avc|h264)/.test(name)) return "avc";
  if (/^vp0?9/.test(name)) return "vp9";
  if (/^av0?1/.test(name)) return "av1";
  if (/^(hev|hvc|dvh)/.test(name)) return "hevc";
  return name.split(".")[0] ?? "";
}

/**
 * The renditions of the best family, the tallest first: the one that plays smoothly at what the screen shows, then the
 * one with the most lines, then the one that spares the battery, then the leanest.
 */
export function bestFamily(
  options: readonly QualityOption[],
  fitness: Fitness,
  screenHeight: number,
): readonly QualityOption[] {
  const families = new Map<string, QualityOption[]>();
  for (const option of options) {
    if (fitness(option) === 0 || option.height === null) continue;
    // Another dynamic range would be another picture.
    const name = `${familyOf(option.codecs)}${option.hdr ? " hdr" : ""}`;
    families.set(name, [...(families.get(name) ?? []), option]);
  }
  const ranked = [...families.values()].map((each) => ({ each, worth: worth(each, fitness, screenHeight) }));
  ranked.sort((a, b) => compare(b.worth, a.worth));
  const best = ranked[0]?.each ?? [];
  return [...best].sort((a, b) => (b.height ?? 0) - (a.height ?? 0) || (b.fps ?? 0) - (a.fps ?? 0)).slice(0, MOST);
}

function worth(family: readonly QualityOption[], fitness: Fitness, screenHeight: number): readonly number[] {
  const tallest = Math.max(...family.map((option) => option.height ?? 0));
  const shown = [...family]
    .filter((option) => (option.height ?? 0) <= Math.max(screenHeight, 0))
    .sort((a, b) => (b.height ?? 0) - (a.height ?? 0))[0];
  const atScreen = shown === undefined ? 0 : fitness(shown);
  return [
    atScreen >= SMOOTH ? 1 : 0,
    family.some((option) => option.hdr) ? 0 : 1,
    tallest,
    atScreen,
    -(shown?.bitrate ?? Number.MAX_SAFE_INTEGER),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((value, index) => value !== b[index]);
  return place < 0 ? 0 : (a[place] ?? 0) - (b[place] ?? 0);
}
