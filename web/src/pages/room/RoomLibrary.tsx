import { LibraryLater } from "@/pages/library/LibraryLater";
import type { Target } from "@/pages/library/target";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { useObjection } from "./useObjection";

/** This person's library: what they pick goes into the room's queue. */
export function RoomLibrary({ session }: { readonly session: RoomSession }) {
  const objection = useObjection(session, "queue");
  const target: Target = {
    kind: "room",
    objection: objection === null ? null : t.rights.sentence(objection),
    playLink: (url, title, lend) => {
      session.queue.add(url, false, lend);
      session.library.tell(t.library.queued(title));
    },
    playList: (id, name, lend) => {
      session.queue.addPlaylist(id, lend);
      session.library.tell(t.library.queued(name));
    },
  };
  return <LibraryLater library={session.library} signIns={session.signIns} target={target} />;
}
