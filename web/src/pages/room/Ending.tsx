import { Ban, DoorClosed, KeyRound, Lock } from "lucide-react";
import { go } from "@/lib/routing";
import type { RoomSession } from "@/room/session";
import { endings } from "@/room/words";
import type { EndReason } from "@/socket/close";
import { Button } from "@/ui/Button";
import { PasswordForm } from "./PasswordForm";

const icons: Partial<Record<EndReason, typeof DoorClosed>> = { banned: Ban, password: KeyRound, locked: Lock };

/** What helps; nothing does against a ban. */
const ways: Partial<Record<EndReason, string | null>> = {
  kicked: "Come back",
  locked: "Try again",
  full: "Try again",
  banned: null,
  bad_room: null,
};

interface Props {
  readonly session: RoomSession;
  readonly reason: EndReason;
}

/** The room will not have us, or no longer. */
export function Ending({ session, reason }: Props) {
  const { title, text } = endings[reason];
  const Icon = icons[reason] ?? DoorClosed;
  const way = ways[reason] === undefined ? "Reload" : ways[reason];
  return (
    <main className="grid h-dvh place-items-center p-6">
      <div className="w-full max-w-sm text-center">
        <span className="mx-auto mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
          <Icon size={26} aria-hidden />
        </span>
        <h1 className="text-lg font-semibold">{title}</h1>
        <p className="mt-2 text-pretty text-dim">{text}</p>
        <p role="status" aria-label="Connection" className="sr-only">
          Disconnected
        </p>
        {reason === "password" ? (
          <>
            <PasswordForm session={session} />
            <Button look="plain" className="mt-2 w-full text-dim" onClick={() => go("/")}>
              Other rooms
            </Button>
          </>
        ) : (
          <div className="mt-6 flex justify-center gap-2">
            <Button onClick={() => go("/")}>Other rooms</Button>
            {way && (
              <Button
                look="primary"
                onClick={() => (way === "Reload" ? location.reload() : session.connection.retry())}
              >
                {way}
              </Button>
            )}
          </div>
        )}
      </div>
    </main>
  );
}
