/** Which renditions to offer, and which to begin with. */
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
    .sort((a, b) => (b.height ?? 0) - (a.height ?? 0) || (b.fps ?? 0) - (a.fps ?? 0))
    .map((option) => ({
      id: option.id,
      label: label(option),
      height: option.height,
      url: option.stream_url ?? option.video_url,
    }));
}

/** The tallest that the screen can show, unless the person has asked for less; the smallest if all are taller. */
export function begin(offered: readonly Choice[], screenHeight: number, wanted: number | null): Choice | null {
  const limit = Math.min(wanted ?? Number.POSITIVE_INFINITY, screenHeight);
  return offered.find((choice) => (choice.height ?? 0) <= limit) ?? offered.at(-1) ?? null;
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
  return option.height === null ? option.id : `${option.height}p`;
}
