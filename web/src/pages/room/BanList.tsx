import { useEffect, useRef } from "react";
import { dayTime } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import type { Banned } from "@/wire/wire.gen";

/** Who may not come in, and how they may again. */
export function BanList({ session }: { readonly session: RoomSession }) {
  const { bans, problem } = useStore(session.bans.view, (view) => view);
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => {
    session.bans.open();
    return () => session.bans.close();
  }, [session]);
  const letIn = (ban: Banned) => {
    session.bans.lift(ban.id);
    // The button that was pressed goes with its row.
    group.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in
    <div ref={group} role="group" aria-label={t.bans.title} tabIndex={-1} className="outline-none">
      {bans !== null && bans.length === 0 && <p className="text-sm text-dim">{t.bans.nobody}</p>}
      {bans !== null && bans.length > 0 && (
        <ul aria-label={t.bans.title} className="flex max-h-72 flex-col overflow-y-auto">
          {bans.map((ban) => (
            <BanRow key={ban.id} session={session} ban={ban} onLetIn={() => letIn(ban)} />
          ))}
        </ul>
      )}
      {problem !== null && (
        <div className="flex flex-wrap items-center gap-2">
          <p role="alert" className="min-w-40 flex-1 text-sm text-bad">
            {problem}
          </p>
          <Button onClick={() => void session.bans.read()}>{t.common.tryAgain}</Button>
        </div>
      )}
    </div>
  );
}

interface RowProps {
  readonly session: RoomSession;
  readonly ban: Banned;
  readonly onLetIn: () => void;
}

function BanRow({ session, ban, onLetIn }: RowProps) {
  // An older server kept no names; a verified person's id says as much.
  const name = ban.name || (ban.member.includes("@") ? ban.member : t.names.somebody);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line py-2 last:border-0">
      <Avatar id={ban.member} name={name} size="small" />
      <span className="min-w-40 flex-1">
        <span className="block text-sm font-medium break-words">
          <bdi>{name}</bdi>
        </span>
        <span className="block text-xs text-pretty text-dim">
          {t.bans.by(session.nameAmong(ban.by, ban.by_name), dayTime(ban.at))}
          {ban.has_address && ` ${t.bans.withAddress}`}
        </span>
      </span>
      {ban.can_lift ? (
        <Button className="ml-auto" aria-label={t.bans.letInWhom(name)} onClick={onLetIn}>
          {t.bans.letIn}
        </Button>
      ) : (
        <span className="text-xs text-dim">{t.bans.forTheOwner}</span>
      )}
    </li>
  );
}
