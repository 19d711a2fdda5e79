import { useEffect, useRef } from "react";
import { clockTime } from "@/lib/format";
import type { RoomSession } from "@/room/session";

export function TimeText({ session }: { readonly session: RoomSession }) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const paint = () => {
      if (text.current === null) return;
      const duration = session.duration();
      const total = duration === null ? "" : ` / ${clockTime(duration)}`;
      const next = `${clockTime(session.position())}${total}`;
      if (text.current.textContent !== next) text.current.textContent = next;
    };
    paint();
    return session.onTick(paint);
  }, [session]);
  return <span ref={text} className="ml-2 text-xs font-medium whitespace-nowrap tabular-nums @md:text-sm" />;
}
