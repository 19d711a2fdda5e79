import { Crown, Shield } from "lucide-react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { Avatar } from "@/ui/Avatar";
import type { Member } from "@/wire/wire.gen";

const roles: Readonly<Record<Member["role"], string | null>> = {
  owner: "Owner",
  moderator: "Moderator",
  member: null,
  viewer: "Watching only",
};

export function PeopleList({ session }: { readonly session: RoomSession }) {
  const members = useStore(session.view, ({ replica }) => replica?.members ?? {});
  const you = useStore(session.view, ({ replica }) => replica?.you.id);
  const entries = Object.entries(members).sort(([, a], [, b]) => a.joined_at - b.joined_at);
  return (
    <ul aria-label="People" className="p-2">
      {entries.map(([id, member]) => (
        <li key={id} className="flex min-h-13 items-center gap-3 rounded-control px-2 py-1.5">
          <Avatar id={id} name={member.name} />
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">
              {member.name}
              {id === you && <span className="font-normal text-dim"> (you)</span>}
            </span>
            {roles[member.role] && (
              <span className="flex items-center gap-1 text-xs text-dim">
                {member.role === "owner" && <Crown size={12} aria-hidden />}
                {member.role === "moderator" && <Shield size={12} aria-hidden />}
                {roles[member.role]}
              </span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
