/** How the parts of a room stand to each other: in the room itself, and before it is there. */
import { cx } from "@/ui/classes";

export const PAGE = "flex h-dvh flex-col overflow-hidden compact:bg-black";
export const HEADER =
  "flex h-14 short:hidden shrink-0 items-center gap-2 px-3 wide:px-4 compact:pointer-events-none compact:fixed compact:inset-x-0 compact:top-0 compact:z-20 compact:justify-end compact:bg-transparent";
export const HOME = "grid size-9 shrink-0 place-items-center rounded-control touch:size-11 compact:hidden";
export const NAME = "min-w-0 flex-1 truncate text-base font-semibold tracking-[-0.01em] compact:hidden";
export const STAGE =
  "stage relative w-full overflow-hidden bg-black narrow:aspect-video narrow:shrink-0 compact:fixed compact:inset-0 compact:aspect-auto";
export const STAGE_BESIDE = "wide:min-h-0 wide:flex-1 wide:rounded-panel";
export const PANEL =
  "min-h-0 flex-1 flex-col overflow-hidden border-line bg-panel narrow:border-t wide:rounded-panel wide:border compact:fixed compact:inset-y-0 compact:right-0 compact:z-30 compact:w-[min(340px,60vw)] compact:border-l compact:shadow-float compact:transition-transform compact:duration-240 compact:ease-out";
export const TABS = "relative flex h-12 shrink-0 items-stretch gap-1 border-b border-line px-2";
export const TAB = "flex items-center gap-1.5 px-3 text-sm font-medium";
export const FOOT = "shrink-0 border-t border-line p-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]";

export function main(isTheatre: boolean, isPanelOpen: boolean): string {
  return cx(
    "flex min-h-0 flex-1 flex-col wide:grid wide:gap-x-4 wide:gap-y-3 wide:pb-4",
    isTheatre
      ? "wide:min-h-[auto] wide:flex-none wide:grid-rows-[auto_auto]"
      : "wide:grid-rows-[minmax(0,1fr)] wide:px-4",
    isPanelOpen ? "wide:grid-cols-[minmax(0,1fr)_clamp(320px,27vw,400px)]" : "wide:grid-cols-[minmax(0,1fr)]",
  );
}

export function column(isTheatre: boolean): string {
  return cx("flex min-h-0 flex-col narrow:contents", isTheatre && "wide:contents");
}
