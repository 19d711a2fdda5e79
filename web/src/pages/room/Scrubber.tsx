import { useEffect, useRef } from "react";
import { clockTime, spokenTime } from "@/lib/format";
import type { RoomSession } from "@/room/session";

interface Props {
  readonly session: RoomSession;
  readonly isEnabled: boolean;
  /** Why this person may not seek. */
  readonly objection: string | null;
}

/** Draws itself four times a second without React; seeks once, on release. */
export function Scrubber({ session, isEnabled, objection }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const played = useRef<HTMLDivElement>(null);
  const buffered = useRef<HTMLDivElement>(null);
  const bubble = useRef<HTMLDivElement>(null);
  const isDragging = useRef(false);

  useEffect(() => {
    const range = input.current;
    if (range === null) return;
    const paint = () => {
      const duration = session.duration() ?? 0;
      const position = isDragging.current ? Number(range.value) : session.position();
      range.max = String(duration);
      if (!isDragging.current) range.value = String(position);
      range.setAttribute("aria-valuetext", `${spokenTime(position)} of ${spokenTime(duration)}`);
      scale(played.current, duration > 0 ? position / duration : 0);
      scale(buffered.current, duration > 0 ? (position + session.player.ahead) / duration : 0);
    };
    const begin = () => {
      isDragging.current = true;
      paint();
      tell(Number(range.value) / Number(range.max || 1));
    };
    const finish = () => {
      if (!isDragging.current) return;
      isDragging.current = false;
      session.seek(Number(range.value));
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
      if (label === null || duration === null || range.disabled) return;
      const within = Math.min(1, Math.max(0, share));
      label.textContent = clockTime(within * duration);
      label.style.left = `clamp(24px, ${within * 100}%, calc(100% - 24px))`;
      label.style.opacity = "1";
    };
    const leave = () => {
      if (bubble.current && !isDragging.current) bubble.current.style.opacity = "0";
    };
    paint();
    const stop = session.onTick(paint);
    range.addEventListener("input", begin);
    range.addEventListener("change", finish);
    range.addEventListener("pointermove", hover);
    range.addEventListener("pointerleave", leave);
    return () => {
      stop();
      range.removeEventListener("input", begin);
      range.removeEventListener("change", finish);
      range.removeEventListener("pointermove", hover);
      range.removeEventListener("pointerleave", leave);
    };
  }, [session]);

  return (
    <div className="range [--thumb-color:var(--accent)]" title={objection ?? undefined}>
      <div className="range-track">
        <div ref={buffered} className="range-fill bg-white/25" />
        <div ref={played} className="range-fill bg-accent" />
      </div>
      <input
        ref={input}
        type="range"
        aria-label="Seek"
        min={0}
        step="any"
        defaultValue={0}
        disabled={!isEnabled}
        onKeyDown={(event) => onKey(event, session)}
      />
      <div
        ref={bubble}
        aria-hidden
        className="pointer-events-none absolute bottom-6 -translate-x-1/2 rounded-[6px] bg-black/85 px-2 py-0.5 text-xs font-medium tabular-nums opacity-0 transition-opacity duration-120"
      />
    </div>
  );
}

function scale(element: HTMLElement | null, share: number): void {
  if (element !== null) element.style.transform = `scaleX(${Math.min(1, Math.max(0, share))})`;
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
