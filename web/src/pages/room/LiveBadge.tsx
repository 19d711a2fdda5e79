import { useEffect, useState } from "react";
import { behindTime } from "@/room/axis";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { cx } from "@/ui/classes";

/** Says that it is live, or how far the room has fallen behind, and brings it back. */
export function LiveBadge({ session }: { readonly session: RoomSession }) {
  const [behind, setBehind] = useState<string | null>(null);
  useEffect(() => {
    const look = () => {
      const seconds = session.behindLive();
      setBehind(seconds === null ? null : behindTime(-seconds));
    };
    look();
    return session.onTick(look);
  }, [session]);
  const isBehind = behind !== null;
  return (
    <>
      {isBehind && <span className="ml-2 text-xs font-medium tabular-nums @md:text-sm">{behind}</span>}
      <button
        type="button"
        disabled={!isBehind}
        aria-label={isBehind ? t.player.goLive : t.player.live}
        onClick={() => session.goLive()}
        className="ml-1 flex h-10 items-center gap-1.5 rounded-control px-2 text-xs font-semibold tracking-wide whitespace-nowrap enabled:hover:bg-hover"
      >
        <span className={cx("size-2 rounded-full", isBehind ? "bg-white/45" : "animate-breathe bg-accent")} />
        {isBehind ? t.player.goLiveBadge : t.player.liveBadge}
      </button>
    </>
  );
}
