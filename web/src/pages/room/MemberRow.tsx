import { Ban, Crown, Eye, Globe, LogOut, MoreVertical, Shield, User } from "lucide-react";
import { useState } from "react";
import { useStore } from "@/lib/store";
import { lightOf } from "@/room/lights";
import { mayManage, myRole, type Role, rolesToGive } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { type Action, ActionMenu } from "@/ui/ActionMenu";
import { Avatar } from "@/ui/Avatar";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { IconButton } from "@/ui/IconButton";
import { SyncLight } from "@/ui/SyncLight";
import { Tip } from "@/ui/Tooltip";
import type { Member } from "@/wire/wire.gen";

const badges: Readonly<Record<Role, { readonly label: string; readonly icon: typeof Crown } | null>> = {
  owner: { label: "Owner", icon: Crown },
  moderator: { label: "Moderator", icon: Shield },
  member: null,
  viewer: { label: "Watching only", icon: Eye },
};

const promotions: Readonly<Record<Role, { readonly label: string; readonly icon: typeof Crown }>> = {
  owner: { label: "Hand over the room", icon: Crown },
  moderator: { label: "Make moderator", icon: Shield },
  member: { label: "Make member", icon: User },
  viewer: { label: "Make viewer", icon: Eye },
};

interface Props {
  readonly session: RoomSession;
  readonly id: string;
  readonly member: Member;
}

export function MemberRow({ session, id, member }: Props) {
  const isYou = useStore(session.view, ({ replica }) => replica?.you.id === id);
  const light = useStore(session.view, ({ replica }) => lightOf(replica?.statuses[id]));
  const badge = badges[member.role];
  return (
    <li className="flex min-h-13 items-center gap-3 rounded-control px-2 py-1.5">
      <Avatar id={id} name={member.name} />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">
          {member.name}
          {isYou && <span className="font-normal text-dim"> (you)</span>}
        </span>
        {badge && (
          <span className="flex items-center gap-1 text-xs text-dim">
            <badge.icon size={12} aria-hidden />
            {badge.label}
          </span>
        )}
      </span>
      <Tip text={light.text}>
        <span className="grid size-8 place-items-center">
          <SyncLight tone={light.tone} />
          <span className="sr-only">{light.text}</span>
        </span>
      </Tip>
      <Manage session={session} id={id} member={member} />
    </li>
  );
}

type Grave = "ban" | "ban_address" | "owner";

function Manage({ session, id, member }: Props) {
  const [asking, setAsking] = useState<Grave | null>(null);
  const replica = useStore(session.view, (view) => view.replica);
  if (replica === null || !mayManage(replica, id)) return null;
  const { name } = member;
  const graves: Readonly<Record<Grave, { title: string; text: string; action: string; run(): void }>> = {
    owner: {
      title: `Hand the room to ${name}?`,
      text: "The room is theirs then, and you become a moderator.",
      action: "Hand over",
      run: () => session.setRole(id, "owner"),
    },
    ban: {
      title: `Ban ${name}?`,
      text: "They are sent out and cannot come back.",
      action: "Ban",
      run: () => session.ban(id, false),
    },
    ban_address: {
      title: `Ban ${name} and their address?`,
      text: "Nobody from their network can come in any more, housemates included.",
      action: "Ban",
      run: () => session.ban(id, true),
    },
  };
  const actions: Action[] = rolesToGive(replica, id).map((role) => {
    const { label, icon: Icon } = promotions[role];
    return { label, icon: <Icon />, run: () => session.setRole(id, role) };
  });
  if (myRole(replica) === "owner") {
    actions.push({ label: promotions.owner.label, icon: <Crown />, run: () => setAsking("owner") });
  }
  actions.push(
    { label: "Kick", icon: <LogOut />, run: () => session.kick(id) },
    { label: "Ban", icon: <Ban />, isGrave: true, run: () => setAsking("ban") },
    { label: "Ban with address", icon: <Globe />, isGrave: true, run: () => setAsking("ban_address") },
  );
  const grave = asking === null ? null : graves[asking];
  return (
    <>
      <ActionMenu
        actions={actions}
        trigger={
          <IconButton label={`Manage ${name}`} hint="Manage" size="small">
            <MoreVertical size={17} className="text-dim" />
          </IconButton>
        }
      />
      <ConfirmDialog
        title={grave?.title ?? ""}
        text={grave?.text ?? ""}
        action={grave?.action ?? ""}
        isOpen={grave !== null}
        onConfirm={() => grave?.run()}
        onClose={() => setAsking(null)}
      />
    </>
  );
}
