import { MessageSquare, MessageSquareOff } from "lucide-react";
import { useEffect, useState } from "react";
import { hue } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { cx } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";

const MOST = 4;
const SHOWN_S = 20;
const NONE: readonly never[] = [];

/** The last words on the picture, where it fills the screen and the panel is away. */
export function ChatOverlay({ session, isPhone }: { readonly session: RoomSession; readonly isPhone: boolean }) {
  const chat = useStore(session.view, ({ replica }) => replica?.chat ?? NONE);
  const [isShown, setShown] = useState(true);
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now() / 1000), 2000);
    return () => window.clearInterval(timer);
  }, []);
  const recent = isShown ? chat.slice(-MOST).filter(({ at }) => Math.max(now, at) - at < SHOWN_S) : NONE;
  return (
    <div
      data-role="chat-overlay"
      className={cx(
        "pointer-events-none absolute bottom-20 left-3 z-10 w-[min(46%,340px)] flex-col items-start gap-1.5",
        isPhone ? "hidden compact:flex" : "flex",
      )}
    >
      {recent.map((message) => (
        <p
          key={message.id}
          className="max-w-full animate-enter rounded-control bg-black/55 px-2.5 py-1 text-sm text-white backdrop-blur-sm"
        >
          <span className="font-semibold" style={{ color: `oklch(0.82 0.12 ${hue(message.by)})` }}>
            <bdi>{message.name}</bdi>
          </span>{" "}
          <bdi className="break-words">{message.text}</bdi>
        </p>
      ))}
      {/* Before anybody said anything there is nothing to hide. */}
      <IconButton
        label={isShown ? t.player.hideChat : t.player.showChat}
        size="small"
        className={cx("chrome pointer-events-auto bg-black/45", chat.length === 0 && "!hidden")}
        onClick={() => setShown(!isShown)}
      >
        {isShown ? <MessageSquare size={16} /> : <MessageSquareOff size={16} />}
      </IconButton>
    </div>
  );
}
