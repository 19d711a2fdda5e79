import { createRoom } from "@/lib/api";
import { go, roomPath } from "@/lib/routing";
import type { Library } from "@/library/library";
import { LibraryLater } from "@/pages/library/LibraryLater";
import type { Target } from "@/pages/library/target";
import type { SignIns } from "@/room/signIns";

interface Props {
  readonly library: Library;
  readonly signIns: SignIns;
}

/** This person's library: what they pick is played in a new room. */
export function LandingLibrary({ library, signIns }: Props) {
  const play = (begins: Parameters<typeof createRoom>[0], lend: boolean) =>
    void library.work(async () => go(roomPath((await createRoom(begins, lend)).id)));
  const target: Target = {
    kind: "new",
    objection: null,
    playLink: (url, _title, lend) => play({ url }, lend),
    playList: (playlist, _name, lend) => play({ playlist }, lend),
  };
  return <LibraryLater library={library} signIns={signIns} target={target} />;
}
