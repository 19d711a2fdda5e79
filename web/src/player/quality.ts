/** Which renditions to offer, and which to begin with. */
import { t } from "@/text";
import type { QualityOption } from "@/wire/wire.gen";

/** A line of the quality menu. */
export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly height: number | null;
  readonly url: string | null;
}

export const AUTO = "auto";

/** How well this browser plays a rendition: 0 not at all, 1 somehow, 2 smoothly, 3 smoothly and sparing the battery. */
export type Fitness = (option: QualityOption) => number;

/** One line per label: the family that plays best, the leaner one among equals; the tallest first. */
export function choices(options: readonly QualityOption[], fitness: Fitness): Choice[] {
  const best = new Map<string, { option: QualityOption; fitness: number }>();
  for (const option of options) {
    const found = { option, fitness: fitness(option) };
    const held = best.get(label(option));
    if (found.fitness > 0 && (held === undefined || isBetter(found, held))) best.set(label(option), found);
  }
  return [...best.values()]
    .map(({ option }) => option)
    .sort((a, b) => (linesOf(b) ?? 0) - (linesOf(a) ?? 0) || (b.fps ?? 0) - (a.fps ?? 0))
    .map((option) => ({
      id: option.id,
      label: label(option),
      height: linesOf(option),
      url: option.stream_url ?? option.video_url,
    }));
}

/** One of the renditions that a manifest lists. `bitrate` is in bit/s. */
export interface Rung {
  readonly id: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly fps: number | null;
  readonly isHdr: boolean;
  readonly bitrate: number;
}

/** One line per label, the one with the highest bitrate; the tallest first. */
export function ladder(rungs: readonly Rung[]): Choice[] {
  const best = new Map<string, Rung>();
  for (const rung of rungs) {
    const held = best.get(rungLabel(rung));
    if (held === undefined || rung.bitrate > held.bitrate) best.set(rungLabel(rung), rung);
  }
  return [...best]
    .sort(([, a], [, b]) => (linesOf(b) ?? 0) - (linesOf(a) ?? 0) || b.bitrate - a.bitrate)
    .map(([words, rung]) => ({ id: rung.id, label: words, height: linesOf(rung), url: null }));
}

export function rungLabel(rung: Rung): string {
  const lines = linesOf(rung);
  if (lines === null) return t.player.bitrate(Math.round(rung.bitrate / 1000));
  const rate = rung.fps !== null && rung.fps > 31 ? String(Math.round(rung.fps)) : "";
  return `${lines}p${rate}${rung.isHdr ? " HDR" : ""}`;
}

/** The number in a label: the shorter side of what stands upright, else the height. */
function linesOf({ width, height }: { readonly width: number | null; readonly height: number | null }): number | null {
  if (!height) return null;
  return width ? Math.min(width, height) : height;
}

/** The tallest of at most so many lines; the smallest if all are taller. */
export function atMost<T extends { readonly height: number | null }>(offered: readonly T[], lines: number): T | null {
  const sorted = [...offered].sort((a, b) => (b.height ?? 0) - (a.height ?? 0));
  return sorted.find(({ height }) => (height ?? 0) <= lines) ?? sorted.at(-1) ?? null;
}

/** The tallest that the screen can show, unless the person has asked for less; the smallest if all are taller. */
export function begin(offered: readonly Choice[], screenHeight: number, wanted: number | null): Choice | null {
  const limit = Math.min(wanted ?? Number.POSITIVE_INFINITY, screenHeight);
  return atMost(offered, limit);
}

function isBetter(
  a: { option: QualityOption; fitness: number },
  b: { option: QualityOption; fitness: number },
): boolean {
  if (a.fitness !== b.fitness) return a.fitness > b.fitness;
  return (a.option.bitrate ?? Number.POSITIVE_INFINITY) < (b.option.bitrate ?? Number.POSITIVE_INFINITY);
}

function label(option: QualityOption): string {
  if (option.label !== "") return option.label;
  return option.height === null ? option.id : `${linesOf(option)}p`;
}
