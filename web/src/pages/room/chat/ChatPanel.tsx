import { useEffect } from "react";
import type { RoomSession } from "@/room/session";
import { Composer } from "./Composer";
import { EmojiRow } from "./EmojiRow";
import { MessageList } from "./MessageList";

interface Props {
  readonly session: RoomSession;
  /** The panel around it may be folded away. */
  readonly isShown: boolean;
}

export function ChatPanel({ session, isShown }: Props) {
  useEffect(() => {
    const look = () => session.talk.look(isShown && document.visibilityState === "visible");
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      session.talk.look(false);
    };
  }, [session, isShown]);
  return (
    <>
      <MessageList session={session} />
      <div className="shrink-0 border-t border-line p-3 pt-2 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
        <EmojiRow session={session} />
        <Composer session={session} />
      </div>
    </>
  );
}
