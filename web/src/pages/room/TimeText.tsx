import { useEffect, useRef } from "react";
import { clockTime } from "@/lib/format";
import type { RoomSession } from "@/room/session";

export function TimeText({ session }: { readonly session: RoomSession }) {
  const position = useRef<HTMLSpanElement>(null);
  const total = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const paint = () => {
      const duration = session.duration();
      write(position.current, clockTime(session.position()));
      write(total.current, duration === null ? "" : ` / ${clockTime(duration)}`);
    };
    paint();
    return session.onTick(paint);
  }, [session]);
  return (
    <span className="ml-2 text-xs font-medium whitespace-pre tabular-nums @md:text-sm">
      <span ref={position} />
      <span ref={total} className="text-white/75 @max-[23rem]:hidden" />
    </span>
  );
}

function write(element: HTMLElement | null, text: string): void {
  if (element !== null && element.textContent !== text) element.textContent = text;
}
