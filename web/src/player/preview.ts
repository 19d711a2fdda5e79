/** What the seek bar tells of a moment: the picture from the storyboard, and the chapter. Pure. */
import type { Chapter, Storyboard } from "@/wire/wire.gen";

/** A picture within a page of pictures; lengths in the page's own pixels. */
export interface Preview {
  readonly page: string;
  readonly column: number;
  readonly row: number;
}

export function previewAt(board: Storyboard, seconds: number): Preview | null {
  const each = board.columns * board.rows;
  const last = board.pages.length * each - 1;
  const place = Math.min(last, Math.max(0, Math.floor(seconds / board.interval)));
  const page = board.pages[Math.floor(place / each)];
  if (page === undefined) return null;
  const within = place % each;
  return { page, column: within % board.columns, row: Math.floor(within / board.columns) };
}

export function chapterAt(chapters: readonly Chapter[], seconds: number): string | null {
  return chapters.findLast(({ start }) => start <= seconds)?.title ?? null;
}

/** The chapter that a step from here leads to; backwards first to the beginning of this one. Seconds. */
export function chapterStep(chapters: readonly Chapter[], from: number, step: -1 | 1): number | null {
  if (step > 0) return chapters.find(({ start }) => start > from)?.start ?? null;
  return chapters.findLast(({ start }) => start < from - 3)?.start ?? null;
}

/** Loaded parts as shares of what lies between two of the element's times. */
export function shares(ranges: TimeRanges, from: number, to: number): readonly (readonly [number, number])[] {
  if (!(to > from)) return [];
  const share = (time: number) => Math.min(1, Math.max(0, (time - from) / (to - from)));
  return Array.from({ length: ranges.length }, (_, place) => [share(ranges.start(place)), share(ranges.end(place))]);
}
