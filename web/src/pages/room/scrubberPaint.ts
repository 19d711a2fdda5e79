/** Paints the seek bar's parts without React: four times a second is too often for it. */
import { bases } from "@/lib/bases";
import { hue } from "@/lib/format";
import { previewAt } from "@/player/preview";
import type { Ghost } from "@/room/ghosts";
import type { Chapter, Storyboard } from "@/wire/wire.gen";

export function scale(element: HTMLElement | null, share: number): void {
  if (element !== null) element.style.transform = `scaleX(${Math.min(1, Math.max(0, share))})`;
}

/** One bar for every part that is loaded. */
export function paintParts(element: HTMLElement | null, parts: readonly (readonly [number, number])[]): void {
  if (element === null) return;
  while (element.childElementCount > parts.length) element.lastElementChild?.remove();
  while (element.childElementCount < parts.length) {
    const bar = document.createElement("div");
    bar.className = "absolute inset-y-0 bg-white/25";
    element.append(bar);
  }
  parts.forEach(([start, end], place) => {
    const bar = element.children[place] as HTMLElement;
    bar.style.left = `${start * 100}%`;
    bar.style.width = `${(end - start) * 100}%`;
  });
}

export function paintMarks(element: HTMLElement | null, chapters: readonly Chapter[], duration: number): void {
  const starts = duration > 0 ? chapters.filter(({ start }) => start > 0 && start < duration) : [];
  element?.replaceChildren(
    ...starts.map(({ start }) => {
      const mark = document.createElement("div");
      mark.className = "absolute inset-y-0 w-[3px] -translate-x-1/2 bg-black/80";
      mark.style.left = `${(start / duration) * 100}%`;
      return mark;
    }),
  );
}

const PICTURE_WIDTH = 168;
/** Of the bar's width: a small stage must not be covered, nor the picture cut off at its top. */
const PICTURE_SHARE = 0.36;

export function paintPicture(
  element: HTMLElement | null,
  board: Storyboard | null,
  seconds: number,
  barWidth: number,
): void {
  if (element === null) return;
  const found = board === null ? null : previewAt(board, seconds);
  element.hidden = found === null;
  if (found === null || board === null) return;
  const width = Math.round(Math.min(PICTURE_WIDTH, barWidth * PICTURE_SHARE));
  const height = Math.round((width * board.height) / board.width);
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundImage = `url("${bases.at(found.page)}")`;
  element.style.backgroundSize = `${width * board.columns}px ${height * board.rows}px`;
  element.style.backgroundPosition = `-${found.column * width}px -${found.row * height}px`;
}

/** Where others are who are not with the room, in their colours. */
export function paintGhosts(
  element: HTMLElement | null,
  ghosts: readonly Ghost[],
  share: (at: number) => number,
): void {
  if (element === null) return;
  while (element.childElementCount > ghosts.length) element.lastElementChild?.remove();
  while (element.childElementCount < ghosts.length) {
    const dot = document.createElement("div");
    dot.className = "absolute top-1/2 size-2.5 -translate-1/2 rounded-full border-2 border-black/70";
    element.append(dot);
  }
  ghosts.forEach(({ id, name, at }, place) => {
    const dot = element.children[place] as HTMLElement;
    dot.title = name;
    dot.style.backgroundColor = `oklch(0.78 0.11 ${hue(id)})`;
    dot.style.left = `${share(at) * 100}%`;
  });
}
