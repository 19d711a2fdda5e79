import { useEffect, useRef } from "react";
import { namesOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Spinner } from "@/ui/Spinner";
import { useObjection } from "./useObjection";

/** The room stands for somebody whose player ran dry. */
export function WaitingNotice({ session }: { readonly session: RoomSession }) {
  const waiting = useStore(session.view, (view) => view.waiting);
  const reason = useObjection(session, "playback");
  if (waiting === null) return null;
  const names = waiting.members.map((id) => session.nameAmong(id));
  return (
    <div className="absolute top-4 left-1/2 z-10 flex h-11 max-w-[calc(100%-2rem)] -translate-x-1/2 animate-enter items-center gap-3 rounded-full bg-black/75 pr-1.5 pl-4 text-sm text-white shadow-float backdrop-blur-sm">
      <Spinner className="size-4 shrink-0" />
      <p className="truncate py-2">
        <span role="status">{t.stage.waitingFor(namesOf(names))}</span>
        <Countdown session={session} until={waiting.until} />
      </p>
      {reason === null ? (
        <button
          type="button"
          onClick={() => session.play()}
          className="relative h-8 shrink-0 rounded-full bg-white/15 px-3.5 font-semibold transition-colors duration-120 after:absolute after:-inset-1.5 hover:bg-white/25"
        >
          {t.stage.goOn}
        </button>
      ) : (
        <span className="w-2.5" />
      )}
    </div>
  );
}

function Countdown({ session, until }: { readonly session: RoomSession; readonly until: number }) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const paint = () => {
      const now = session.clock.now();
      const left = now === null ? 0 : Math.max(0, Math.ceil(until - now));
      if (text.current) text.current.textContent = left > 0 ? t.stage.secondsLeft(left) : "…";
    };
    paint();
    return session.onTick(paint);
  }, [session, until]);
  return <span ref={text} aria-hidden className="text-white/75 tabular-nums" />;
}
