import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { PlayButton } from "./PlayerBar";

/** Play and pause where a thumb finds them without looking; a mouse has the whole picture to click on. */
export function CentrePlay({ session }: { readonly session: RoomSession }) {
  const hasVideo = useStore(session.view, ({ replica }) => replica !== null && replica.video !== null);
  const isAsking = useStore(session.player.state, ({ phase, isStuck }) => phase === "failed" || isStuck);
  if (!hasVideo || isAsking) return null;
  return (
    <div className="chrome pointer-events-none absolute inset-x-0 top-0 bottom-(--foot) hidden place-items-center touch:grid">
      <PlayButton
        session={session}
        size={30}
        className="pointer-events-auto !size-15 rounded-full bg-black/55 hover:bg-black/55"
      />
    </div>
  );
}
