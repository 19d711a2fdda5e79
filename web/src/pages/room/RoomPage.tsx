import { lazy, Suspense, useEffect, useState } from "react";
import { nameSession, readSession } from "@/lib/api";
import { dropParameter } from "@/lib/brought";
import { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Spinner } from "@/ui/Spinner";
import { Room } from "./Room";

const NamePrompt = lazy(() => import("./NamePrompt"));

type Entry =
  | { readonly kind: "asking" }
  | { readonly kind: "unnamed"; readonly suggestion: string }
  | { readonly kind: "named"; readonly name: string };

/** Who is coming in, and then the room. */
export default function RoomPage({ roomId }: { readonly roomId: string }) {
  const [entry, setEntry] = useState<Entry>({ kind: "asking" });
  const [session, setSession] = useState<RoomSession | null>(null);
  const name = entry.kind === "named" ? entry.name : null;

  useEffect(() => {
    let isGone = false;
    void enter().then((found) => {
      if (!isGone) setEntry(found);
    });
    return () => {
      isGone = true;
    };
  }, []);

  useEffect(() => {
    if (name === null) return;
    const opened = new RoomSession(roomId, name);
    setSession(opened);
    return () => {
      setSession(null);
      opened.destroy();
    };
  }, [roomId, name]);

  if (session !== null) return <Room session={session} />;
  return (
    <div className="grid h-dvh place-items-center">
      {entry.kind === "unnamed" ? (
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
      ) : (
        <p className="flex items-center gap-3 text-dim">
          <Spinner className="size-5" /> {t.entering.opening}
        </p>
      )}
    </div>
  );
}

const NAME_KEY = "wt:name";

/** `?name=Ana` answers the question; else a signed-in account or a guest who was here before is known already. */
async function enter(): Promise<Entry> {
  const asked = new URLSearchParams(location.search).get("name")?.trim().slice(0, 40);
  if (asked) {
    // The socket carries the name as well: an unanswered request must not keep anybody out.
    await nameSession(asked).catch(() => undefined);
    rememberName(asked);
    // Whoever copies the address must not hand on their name.
    dropParameter("name");
    return { kind: "named", name: asked };
  }
  const held = rememberedName();
  try {
    const { name, is_guest } = await readSession();
    if (!is_guest) return { kind: "named", name };
    return held === null ? { kind: "unnamed", suggestion: name } : { kind: "named", name: name || held };
  } catch {
    return held === null ? { kind: "unnamed", suggestion: "" } : { kind: "named", name: held };
  }
}

function rememberedName(): string | null {
  try {
    return localStorage.getItem(NAME_KEY);
  } catch {
    return null;
  }
}

function rememberName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Asked again next time.
  }
}
