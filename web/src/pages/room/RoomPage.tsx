import { lazy, Suspense, useEffect, useLayoutEffect, useState } from "react";
import { nameSession } from "@/lib/api";
import { entering, knownEntry, rememberName } from "@/lib/entering";
import { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Room } from "./Room";
import { RoomShell } from "./RoomShell";

const NamePrompt = lazy(() => import("./NamePrompt"));

/** Who is coming in, and then the room. */
export default function RoomPage({ roomId }: { readonly roomId: string }) {
  const [entry, setEntry] = useState(knownEntry);
  const [session, setSession] = useState<RoomSession | null>(null);
  const name = entry?.kind === "named" ? entry.name : null;

  useEffect(() => {
    let isGone = false;
    void entering().then((found) => {
      if (!isGone) setEntry(found);
    });
    return () => {
      isGone = true;
    };
  }, []);

  // Before anything is painted: where it is known at once who comes in, the room is the first thing that is drawn.
  useLayoutEffect(() => {
    if (name === null) return;
    const opened = new RoomSession(roomId, name);
    setSession(opened);
    return () => {
      setSession(null);
      opened.destroy();
    };
  }, [roomId, name]);

  if (session !== null) return <Room session={session} />;
  if (name !== null) return null;
  return (
    <>
      <RoomShell roomId={roomId} text={entry === null ? t.entering.opening : ""} />
      {entry?.kind === "unnamed" && (
        <Suspense>
          <NamePrompt
            roomId={roomId}
            suggestion={entry.suggestion}
            onAnswer={async (answer) => {
              await nameSession(answer);
              rememberName(answer);
              setEntry({ kind: "named", name: answer });
            }}
          />
        </Suspense>
      )}
    </>
  );
}
