import { LibraryBig, PanelRightClose, PanelRightOpen, Settings, UserPlus } from "lucide-react";
import { useState } from "react";
import { DialogLater } from "@/lib/later";
import { go } from "@/lib/routing";
import { useStore } from "@/lib/store";
import { lightOf } from "@/room/lights";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { IconButton } from "@/ui/IconButton";
import { SyncLight } from "@/ui/SyncLight";
import { Wordmark } from "@/ui/Wordmark";
import * as frame from "./frame";
import type { Layout } from "./layout";

const inviteDialog = async () => (await import("./InviteDialog")).InviteDialog;
const settingsDialog = async () => (await import("./SettingsDialog")).SettingsDialog;

const MOST_SHOWN = 5;

interface Props {
  readonly session: RoomSession;
  readonly layout: Layout;
}

export function Header({ session, layout }: Props) {
  const [open, setOpen] = useState<"invite" | "settings" | null>(null);
  const close = () => setOpen(null);
  return (
    <header className={frame.HEADER}>
      <a
        href="/"
        aria-label={t.app.home}
        onClick={(event) => {
          event.preventDefault();
          go("/");
        }}
        className={frame.HOME}
      >
        <Wordmark />
      </a>
      <h1 className={frame.NAME}>{session.roomId}</h1>
      <Present session={session} />
      <Button className="compact:hidden" aria-label={t.invite.button} onClick={() => setOpen("invite")}>
        <UserPlus size={17} aria-hidden />
        <span className="max-sm:hidden">{t.invite.button}</span>
      </Button>
      <IconButton
        label={t.library.title}
        className="compact:hidden"
        onClick={() => {
          session.signIns.load();
          session.library.open();
        }}
      >
        <LibraryBig size={19} className="text-dim" />
      </IconButton>
      <IconButton label={t.room.settings} className="compact:hidden" onClick={() => setOpen("settings")}>
        <Settings size={19} className="text-dim" />
      </IconButton>
      <IconButton
        label={layout.isPanelOpen ? t.room.hidePanel : t.room.showPanel}
        aria-expanded={layout.isPanelOpen}
        className="narrow:hidden compact:pointer-events-auto compact:inline-flex compact:bg-black/50 compact:text-white"
        onClick={layout.togglePanel}
      >
        {layout.isPanelOpen ? (
          <PanelRightClose size={19} className="text-dim compact:text-white" />
        ) : (
          <PanelRightOpen size={19} className="text-dim compact:text-white" />
        )}
      </IconButton>
      <DialogLater load={inviteDialog} roomId={session.roomId} isOpen={open === "invite"} onClose={close} />
      <DialogLater load={settingsDialog} session={session} isOpen={open === "settings"} onClose={close} />
    </header>
  );
}

function Present({ session }: { readonly session: RoomSession }) {
  const members = useStore(session.view, ({ replica }) => replica?.members ?? {});
  const entries = Object.entries(members);
  const hidden = entries.length - MOST_SHOWN;
  return (
    <span className="flex items-center gap-1.5 px-1 max-[420px]:hidden compact:hidden" aria-hidden>
      {entries.slice(0, MOST_SHOWN).map(([id, member]) => (
        <PresentMember key={id} session={session} id={id} name={member.name} />
      ))}
      {hidden > 0 && (
        <span className="grid size-7 place-items-center rounded-full bg-raised text-[11px] font-medium text-dim ring-2 ring-ground">
          +{hidden}
        </span>
      )}
    </span>
  );
}

interface MemberProps {
  readonly session: RoomSession;
  readonly id: string;
  readonly name: string;
}

function PresentMember({ session, id, name }: MemberProps) {
  const light = useStore(session.view, ({ replica }) => lightOf(replica?.statuses[id]));
  return (
    <span className="relative" title={t.people.light.tip(name, light.text)}>
      <Avatar id={id} name={name} size="small" className="ring-2 ring-ground" />
      <span className="absolute -right-0.5 -bottom-0.5 rounded-full bg-ground p-0.5">
        <SyncLight tone={light.tone} className={light.tone === "busy" ? "!size-2" : undefined} />
      </span>
    </span>
  );
}
