import { useEffect, useState } from "react";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { cx } from "@/ui/classes";

// Players keep some segments in hand; what is further back was paused or sought to.
const BEHIND_S = 30;

/** Says that it is live, and brings the room back there when it has fallen behind. */
export function LiveBadge({ session }: { readonly session: RoomSession }) {
  const [isBehind, setBehind] = useState(false);
  useEffect(() => session.onTick(() => setBehind((session.behindLive() ?? 0) > BEHIND_S)), [session]);
  return (
    <button
      type="button"
      disabled={!isBehind}
      aria-label={isBehind ? t.player.goLive : t.player.live}
      onClick={() => session.goLive()}
      className="ml-1 flex h-10 items-center gap-1.5 rounded-control px-2 text-xs font-semibold tracking-wide enabled:hover:bg-hover"
    >
      <span className={cx("size-2 rounded-full", isBehind ? "bg-white/45" : "animate-breathe bg-accent")} />
      {isBehind ? t.player.goLiveBadge : t.player.liveBadge}
    </button>
  );
}
