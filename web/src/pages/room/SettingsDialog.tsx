import { KeyRound } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { nameSession } from "@/lib/api";
import { useStore } from "@/lib/store";
import { mayLetIn } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { LanguageSetting } from "@/ui/LanguageSetting";
import { TextField } from "@/ui/TextField";
import { ThemeChoice } from "@/ui/ThemeButton";
import { BanList } from "./BanList";
import { KeyList } from "./KeyHelp";
import { PlaybackSettings } from "./PlaybackSettings";
import { RoomSettings } from "./RoomSettings";

interface Props {
  readonly session: RoomSession;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function SettingsDialog({ session, isOpen, onClose }: Props) {
  const isAtDoor = useStore(session.view, ({ replica }) => replica !== null && mayLetIn(replica));
  return (
    <Dialog title={t.room.settings} isOpen={isOpen} onClose={onClose}>
      <div className="flex flex-col gap-5">
        <ThemeChoice />
        <LanguageSetting />
        <NameForm session={session} />
        <Section title={t.settings.signIns}>
          <Button
            onClick={() => {
              onClose();
              session.signIns.open();
            }}
          >
            <KeyRound size={17} aria-hidden /> {t.settings.yourSignIns}
          </Button>
        </Section>
        <Section title={t.settings.room}>
          <RoomSettings session={session} />
        </Section>
        {isAtDoor && (
          <Section title={t.bans.title}>
            <BanList session={session} />
          </Section>
        )}
        <Section title={t.settings.player}>
          <PlaybackSettings session={session} />
        </Section>
        <Section title={t.settings.controls}>
          <div className="touch:hidden">
            <KeyList />
          </div>
          <p className="hidden text-sm text-dim touch:block">{t.keys.touch}</p>
        </Section>
        <Section title={t.settings.timing}>
          <Timing session={session} />
        </Section>
      </div>
    </Dialog>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: React.ReactNode }) {
  return (
    <section className="border-t border-line pt-5">
      <h3 className="mb-3 text-sm font-semibold">{title}</h3>
      {children}
    </section>
  );
}

function NameForm({ session }: { readonly session: RoomSession }) {
  const you = useStore(session.view, ({ replica }) => replica?.you ?? null);
  const shown = useStore(session.view, ({ replica }) => (replica ? replica.members[replica.you.id]?.name : "") ?? "");
  const [name, setName] = useState(shown);
  useEffect(() => setName(shown), [shown]);
  if (you === null || !you.is_guest) return null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    session.rename(name.trim());
    // The room has heard it; remembering it for next time may fail.
    void nameSession(name.trim()).catch(() => undefined);
  };

  return (
    <Section title={t.entering.yourName}>
      <form onSubmit={submit} className="flex gap-2">
        <TextField
          label={t.entering.yourName}
          value={name}
          maxLength={40}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" disabled={name.trim() === "" || name.trim() === shown}>
          {t.common.save}
        </Button>
      </form>
    </Section>
  );
}

function Timing({ session }: { readonly session: RoomSession }) {
  const drift = useRef<HTMLSpanElement>(null);
  const delay = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const paint = () => {
      const off = session.drift();
      const roundTrip = session.clock.roundTrip();
      if (drift.current) drift.current.textContent = driftWords(off);
      if (delay.current) {
        const time = roundTrip === null ? t.common.unknown : `${(roundTrip * 1000).toFixed(0)} ms`;
        delay.current.textContent = t.settings.serverAway(time);
      }
    };
    paint();
    return session.onTick(paint);
  }, [session]);
  return (
    <p className="text-sm text-dim tabular-nums">
      <span ref={drift} className="text-ink" />. <span ref={delay} />
    </p>
  );
}

function driftWords(drift: number | null): string {
  if (drift === null) return t.settings.noPicture;
  const size = Math.round(Math.abs(drift) * 1000);
  if (size < 20) return t.settings.withRoom;
  return drift > 0 ? t.settings.aheadOfRoom(size) : t.settings.behindRoom(size);
}
