import { Ban, DoorClosed, KeyRound, Lock, type LucideIcon } from "lucide-react";
import { go } from "@/lib/routing";
import type { RoomSession } from "@/room/session";
import type { EndReason } from "@/socket/close";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { DeadEnd } from "@/ui/DeadEnd";
import { PasswordForm } from "./PasswordForm";

const icons: Partial<Record<EndReason, LucideIcon>> = { banned: Ban, password: KeyRound, locked: Lock };

/** What helps, beside reloading. */
const ways: Partial<Record<EndReason, "back" | "again" | "none">> = {
  kicked: "back",
  locked: "again",
  full: "again",
  crowded: "again",
  banned: "again",
  bad_room: "none",
};

interface Props {
  readonly session: RoomSession;
  readonly reason: EndReason;
}

/** The room will not have us, or no longer. */
export function Ending({ session, reason }: Props) {
  const { title, text } = t.endings.reasons[reason];
  const way = ways[reason] ?? "reload";
  const words = { back: t.endings.comeBack, again: t.common.tryAgain, reload: t.endings.reload };
  return (
    <DeadEnd icon={icons[reason] ?? DoorClosed} title={title} text={text}>
      <p role="status" aria-label={t.connection.label} className="sr-only">
        {t.connection.ended}
      </p>
      {reason === "password" ? (
        <>
          <PasswordForm session={session} />
          <Button look="plain" className="mt-2 w-full text-dim" onClick={() => go("/")}>
            {t.endings.otherRooms}
          </Button>
        </>
      ) : (
        <div className="mt-6 flex justify-center gap-2">
          <Button onClick={() => go("/")}>{t.endings.otherRooms}</Button>
          {way !== "none" && (
            <Button look="primary" onClick={() => (way === "reload" ? location.reload() : session.connection.retry())}>
              {words[way]}
            </Button>
          )}
        </div>
      )}
    </DeadEnd>
  );
}
