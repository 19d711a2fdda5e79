import { useEffect, useRef } from "react";
import { clockTime, spokenTime } from "@/lib/format";
import { useStore } from "@/lib/store";
import { chapterAt, shares } from "@/player/preview";
import { ghostsOf } from "@/room/ghosts";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import type { Chapter } from "@/wire/wire.gen";
import { paintGhosts, paintMarks, paintParts, paintPicture, scale } from "./scrubberPaint";

interface Props {
  readonly session: RoomSession;
  readonly isEnabled: boolean;
  /** Why this person may not seek. */
  readonly objection: string | null;
}

const NONE: readonly Chapter[] = [];

/** Draws itself four times a second without React; seeks once, on release. */
export function Scrubber({ session, isEnabled, objection }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const played = useRef<HTMLDivElement>(null);
  const buffered = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLDivElement>(null);
  const ghosts = useRef<HTMLDivElement>(null);
  const bubble = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const words = useRef<HTMLDivElement>(null);
  const isDragging = useRef(false);
  const chapters = useStore(session.view, ({ replica }) => replica?.video?.chapters ?? NONE);
  const board = useStore(session.view, ({ replica }) => replica?.video?.storyboard ?? null);

  useEffect(() => {
    const range = input.current;
    if (range === null) return;
    let divided = -1;
    const paint = () => {
      const duration = session.duration() ?? 0;
      const position = isDragging.current ? Number(range.value) : session.position();
      range.max = String(duration);
      if (!isDragging.current) range.value = String(position);
      range.setAttribute("aria-valuetext", valueText(position, duration, chapters));
      scale(played.current, duration > 0 ? position / duration : 0);
      paintParts(buffered.current, shares(session.player.buffered, duration));
      paintGhosts(ghosts.current, ghostsOf(session.view.get().replica, session.position()), duration);
      if (divided !== duration) {
        divided = duration;
        paintMarks(marks.current, chapters, duration);
      }
    };
    let item: string | null = null;
    const itemNow = () => session.view.get().replica?.itemId ?? null;
    const begin = () => {
      if (!isDragging.current) item = itemNow();
      isDragging.current = true;
      paint();
      tell(Number(range.value) / Number(range.max || 1));
    };
    const finish = () => {
      if (!isDragging.current) return;
      // Meanwhile another film may have begun, in which nobody wanted to go there.
      if (item === itemNow()) session.seek(Number(range.value));
      drop();
    };
    /** The finger was taken for something else. */
    const drop = () => {
      isDragging.current = false;
      if (bubble.current) bubble.current.style.opacity = "0";
    };
    const hover = (event: PointerEvent) => {
      const box = range.getBoundingClientRect();
      const inset = 7;
      tell((event.clientX - box.left - inset) / (box.width - 2 * inset));
    };
    const tell = (share: number) => {
      const label = bubble.current;
      const duration = session.duration();
      if (label === null || words.current === null || duration === null || range.disabled) return;
      const seconds = Math.min(1, Math.max(0, share)) * duration;
      const chapter = chapterAt(chapters, seconds);
      words.current.textContent = chapter === null ? clockTime(seconds) : `${chapter} · ${clockTime(seconds)}`;
      paintPicture(picture.current, board, seconds);
      const half = label.offsetWidth / 2;
      label.style.left = `clamp(${half}px, ${(seconds / duration) * 100}%, calc(100% - ${half}px))`;
      label.style.opacity = "1";
    };
    const leave = () => {
      if (bubble.current && !isDragging.current) bubble.current.style.opacity = "0";
    };
    paint();
    const stop = session.onTick(paint);
    range.addEventListener("input", begin);
    range.addEventListener("change", finish);
    range.addEventListener("pointercancel", drop);
    range.addEventListener("pointermove", hover);
    range.addEventListener("pointerleave", leave);
    return () => {
      stop();
      range.removeEventListener("input", begin);
      range.removeEventListener("change", finish);
      range.removeEventListener("pointercancel", drop);
      range.removeEventListener("pointermove", hover);
      range.removeEventListener("pointerleave", leave);
    };
  }, [session, chapters, board]);

  return (
    <div className="range [--thumb-color:var(--accent)]" title={objection ?? undefined}>
      <div className="range-track">
        <div ref={buffered} className="absolute inset-0" />
        <div ref={played} className="range-fill bg-accent" />
        <div ref={marks} className="absolute inset-0" />
      </div>
      <div ref={ghosts} aria-hidden className="pointer-events-none absolute inset-0" />
      <input
        ref={input}
        type="range"
        aria-label={t.player.seek}
        min={0}
        step="any"
        defaultValue={0}
        disabled={!isEnabled}
        onKeyDown={(event) => onKey(event, session)}
      />
      <div
        ref={bubble}
        aria-hidden
        className="pointer-events-none absolute bottom-7 -translate-x-1/2 overflow-hidden rounded-control bg-black/85 opacity-0 shadow-float transition-opacity duration-120"
      >
        <div ref={picture} hidden className="bg-white/10 bg-no-repeat" data-role="preview" />
        <div ref={words} className="max-w-60 truncate px-2 py-1 text-center text-xs font-medium tabular-nums" />
      </div>
    </div>
  );
}

function valueText(position: number, duration: number, chapters: readonly Chapter[]): string {
  const chapter = chapterAt(chapters, position);
  const time = t.player.seekValue(spokenTime(position), spokenTime(duration));
  return chapter === null ? time : `${time}, ${chapter}`;
}

/** The slider's own steps would be tenths of a second; these are the room's. */
function onKey(event: React.KeyboardEvent, session: RoomSession): void {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -5,
    ArrowDown: -5,
    ArrowRight: 5,
    ArrowUp: 5,
    PageDown: -60,
    PageUp: 60,
  };
  const step = steps[event.key];
  if (step !== undefined) session.skip(step);
  else if (event.key === "Home") session.seek(0);
  else if (event.key === "End") session.seek(session.duration() ?? 0);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
