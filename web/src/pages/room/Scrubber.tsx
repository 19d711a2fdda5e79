import { useEffect, useRef } from "react";
import { useStore } from "@/lib/store";
import { chapterAt, shares } from "@/player/preview";
import { type Axis, type Span, shareOf } from "@/room/axis";
import { ghostsOf } from "@/room/ghosts";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import type { Chapter } from "@/wire/wire.gen";
import { paintGhosts, paintMarks, paintParts, paintPicture, scale } from "./scrubberPaint";

interface Props {
  readonly session: RoomSession;
  readonly axis: Axis;
  readonly isEnabled: boolean;
  /** Why this person may not seek. */
  readonly objection: string | null;
}

const NONE: readonly Chapter[] = [];
const NOWHERE: Span = { first: 0, last: 0, at: 0, origin: 0, media: 0 };

/** Draws itself four times a second without React; seeks once, on release. */
export function Scrubber({ session, axis, isEnabled, objection }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const played = useRef<HTMLDivElement>(null);
  const buffered = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLDivElement>(null);
  const ghosts = useRef<HTMLDivElement>(null);
  const bubble = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const words = useRef<HTMLDivElement>(null);
  /** What the bar stood for when somebody took hold of it: under a hand nothing slides. */
  const held = useRef<Span | null>(null);
  const chapters = useStore(session.view, ({ replica }) => replica?.video?.chapters ?? NONE);
  const board = useStore(session.view, ({ replica }) => replica?.video?.storyboard ?? null);

  useEffect(() => {
    const range = input.current;
    if (range === null) return;
    const spanNow = () => held.current ?? axis.span() ?? NOWHERE;
    let divided = -1;
    const paint = () => {
      const span = spanNow();
      const { first, last, origin, media } = span;
      const value = held.current === null ? span.at : Number(range.value);
      range.min = String(first);
      range.max = String(last);
      if (held.current === null) range.value = String(value);
      range.setAttribute("aria-valuetext", valueText(axis, value, span, chapters));
      scale(played.current, shareOf(value, span));
      paintParts(buffered.current, shares(session.player.buffered, first - media, last - media));
      const others = ghostsOf(session.view.get().replica, session.position());
      paintGhosts(ghosts.current, others, (at) => shareOf(at - origin, span));
      if (divided !== last) {
        divided = last;
        paintMarks(marks.current, chapters, last);
      }
    };
    let item: string | null = null;
    const itemNow = () => session.view.get().replica?.itemId ?? null;
    const begin = () => {
      if (held.current === null) {
        item = itemNow();
        held.current = spanNow();
      }
      paint();
      tell(shareOf(Number(range.value), held.current));
    };
    const finish = () => {
      if (held.current === null) return;
      drop();
      // Meanwhile another film may have begun, in which nobody wanted to go there.
      if (item === itemNow()) axis.seek(Number(range.value));
    };
    /** The finger was taken for something else. */
    const drop = () => {
      held.current = null;
      if (bubble.current) bubble.current.style.opacity = "0";
    };
    const hover = (event: PointerEvent) => {
      const box = range.getBoundingClientRect();
      const inset = 7;
      tell((event.clientX - box.left - inset) / (box.width - 2 * inset));
    };
    const tell = (place: number) => {
      const label = bubble.current;
      const { first, last } = spanNow();
      if (label === null || words.current === null || last <= first || range.disabled) return;
      const share = Math.min(1, Math.max(0, place));
      const value = first + share * (last - first);
      const chapter = chapterAt(chapters, value);
      words.current.textContent = chapter === null ? axis.shown(value) : `${chapter} · ${axis.shown(value)}`;
      paintPicture(picture.current, board, value, range.offsetWidth);
      const half = label.offsetWidth / 2;
      label.style.left = `clamp(${half}px, ${share * 100}%, calc(100% - ${half}px))`;
      label.style.opacity = "1";
    };
    const leave = () => {
      if (bubble.current && held.current === null) bubble.current.style.opacity = "0";
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
  }, [axis, session, chapters, board]);

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
        onKeyDown={(event) => onKey(event, session, axis)}
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

function valueText(axis: Axis, value: number, span: Span, chapters: readonly Chapter[]): string {
  const chapter = chapterAt(chapters, value);
  const time = axis.spoken(value, span);
  return chapter === null ? time : `${time}, ${chapter}`;
}

/** The slider's own steps would be tenths of a second; these are the room's. */
function onKey(event: React.KeyboardEvent, session: RoomSession, axis: Axis): void {
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
  else if (event.key === "Home") axis.toFirst();
  else if (event.key === "End") axis.toLast();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
