import { Ban, Crown, Eye, Globe, LogOut, MoreVertical, Shield, User } from "lucide-react";
import { useState } from "react";
import { useStore } from "@/lib/store";
import { lightOf } from "@/room/lights";
import { mayManage, myRole, type Role, rolesToGive } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { type Action, ActionMenu } from "@/ui/ActionMenu";
import { Avatar } from "@/ui/Avatar";
import { ConfirmDialogLater } from "@/ui/ConfirmDialogLater";
import { IconButton } from "@/ui/IconButton";
import { SyncLight } from "@/ui/SyncLight";
import { Tip } from "@/ui/Tooltip";
import type { Member } from "@/wire/wire.gen";

const icons: Readonly<Record<Role, typeof Crown>> = { owner: Crown, moderator: Shield, member: User, viewer: Eye };

interface Props {
  readonly session: RoomSession;
  readonly id: string;
  readonly member: Member;
}

export function MemberRow({ session, id, member }: Props) {
  const isYou = useStore(session.view, ({ replica }) => replica?.you.id === id);
  const light = useStore(session.view, ({ replica }) => lightOf(replica?.statuses[id]));
  const Badge = icons[member.role];
  return (
    <li className="flex min-h-13 items-center gap-3 rounded-control px-2 py-1.5 [contain-intrinsic-size:auto_52px] [content-visibility:auto]">
      <Avatar id={id} name={member.name} />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">
          <bdi>{member.name}</bdi>
          {isYou && <span className="font-normal text-dim"> {t.people.you}</span>}
        </span>
        {member.role !== "member" && (
          <span className="flex items-center gap-1 text-xs text-dim">
            <Badge size={12} aria-hidden />
            {t.people.roles[member.role]}
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
      ...t.people.handOver,
      title: t.people.handOver.title(name),
      run: () => session.setRole(id, "owner"),
    },
    ban: {
      title: t.people.banning.title(name),
      text: t.people.banning.text,
      action: t.people.ban,
      run: () => session.ban(id, false),
    },
    ban_address: {
      title: t.people.banningAddress.title(name),
      text: t.people.banningAddress.text,
      action: t.people.ban,
      run: () => session.ban(id, true),
    },
  };
  const actions: Action[] = rolesToGive(replica, id).map((role) => {
    const Icon = icons[role];
    return { label: t.people.promotions[role], icon: <Icon />, run: () => session.setRole(id, role) };
  });
  if (myRole(replica) === "owner") {
    actions.push({ label: t.people.promotions.owner, icon: <Crown />, run: () => setAsking("owner") });
  }
  actions.push(
    { label: t.people.kick, icon: <LogOut />, run: () => session.kick(id) },
    { label: t.people.ban, icon: <Ban />, isGrave: true, run: () => setAsking("ban") },
    { label: t.people.banAddress, icon: <Globe />, isGrave: true, run: () => setAsking("ban_address") },
  );
  const grave = asking === null ? null : graves[asking];
  return (
    <>
      <ActionMenu
        actions={actions}
        trigger={
          <IconButton label={t.people.manageWhom(name)} hint={t.people.manage} size="small">
            <MoreVertical size={17} className="text-dim" />
          </IconButton>
        }
      />
      <ConfirmDialogLater
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
