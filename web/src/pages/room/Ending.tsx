import { Ban, DoorClosed, KeyRound, Lock } from "lucide-react";
import { go } from "@/lib/routing";
import type { RoomSession } from "@/room/session";
import type { EndReason } from "@/socket/close";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { PasswordForm } from "./PasswordForm";

const icons: Partial<Record<EndReason, typeof DoorClosed>> = { banned: Ban, password: KeyRound, locked: Lock };

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
  const Icon = icons[reason] ?? DoorClosed;
  const way = ways[reason] ?? "reload";
  const words = { back: t.endings.comeBack, again: t.common.tryAgain, reload: t.endings.reload };
  return (
    <main className="grid h-dvh place-items-center p-6">
      <div className="w-full max-w-sm text-center">
        <span className="mx-auto mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
          <Icon size={26} aria-hidden />
        </span>
        <h1 className="text-lg font-semibold">{title}</h1>
        <p className="mt-2 text-pretty text-dim">{text}</p>
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
              <Button
                look="primary"
                onClick={() => (way === "reload" ? location.reload() : session.connection.retry())}
              >
                {words[way]}
              </Button>
            )}
          </div>
        )}
      </div>
    </main>
  );
}
