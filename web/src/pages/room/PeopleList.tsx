import { useStore } from "@/lib/store";
import { rank } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { MemberRow } from "./MemberRow";

export function PeopleList({ session }: { readonly session: RoomSession }) {
  const members = useStore(session.view, ({ replica }) => replica?.members ?? {});
  const entries = Object.entries(members).sort(
    ([, a], [, b]) => rank(b.role) - rank(a.role) || a.joined_at - b.joined_at,
  );
  return (
    <ul aria-label={t.room.people} className="p-2">
      {entries.map(([id, member]) => (
        <MemberRow key={id} session={session} id={id} member={member} />
      ))}
    </ul>
  );
}
