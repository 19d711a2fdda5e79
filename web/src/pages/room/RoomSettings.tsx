import { type FormEvent, useState } from "react";
import { useStore } from "@/lib/store";
import { RATES } from "@/room/keys";
import { isAtMost, myRole, objection, type Permission, type Role } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { optionsOf, Select } from "@/ui/Select";
import { Switch } from "@/ui/Switch";
import type { RoomSettings as Settings } from "@/wire/wire.gen";

const roles: readonly Role[] = ["viewer", "member", "moderator", "owner"];

/** What the people of the room have agreed on; read-only for those who may not change it. */
export function RoomSettings({ session }: { readonly session: RoomSession }) {
  const replica = useStore(session.view, (view) => view.replica);
  const rate = useStore(session.view, ({ anchor }) => anchor.rate);
  if (replica === null) return null;
  const { settings } = replica;
  const reason = objection(replica, "settings");
  const isReadOnly = reason !== null;
  const mine = myRole(replica);
  // A room of an older replica may not know each of them yet.
  const guarded = (Object.keys(t.settings.permissions) as Permission[]).filter((each) => each in settings.permissions);
  return (
    <div className="flex flex-col gap-4">
      {reason && <p className="text-xs text-dim">{t.rights.sentence(reason)}</p>}
      {replica.video !== null && !replica.video.is_live && (
        <Select
          label={t.player.speedForEveryone}
          value={String(rate)}
          isReadOnly={objection(replica, "playback") !== null}
          options={RATES.map((each) => ({ value: String(each), label: each === 1 ? t.common.normal : `${each}×` }))}
          onChange={(value) => session.setRate(Number(value))}
        />
      )}
      {guarded.map((permission) => (
        <Select
          key={permission}
          label={t.settings.permissions[permission]}
          value={settings.permissions[permission]}
          isReadOnly={isReadOnly || !isAtMost(settings.permissions[permission], mine)}
          options={roles
            .filter((role) => isAtMost(role, mine) || role === settings.permissions[permission])
            .map((role) => ({ value: role, label: t.settings.roles[role] }))}
          onChange={(role) => session.changeSettings({ permissions: { [permission]: role as Role } })}
        />
      ))}
      <Select
        label={t.settings.buffering}
        value={settings.buffering}
        isReadOnly={isReadOnly}
        options={optionsOf(t.settings.policies satisfies Record<Settings["buffering"], string>)}
        onChange={(buffering) => session.changeSettings({ buffering: buffering as Settings["buffering"] })}
      />
      <Switch
        label={t.settings.tight}
        text={t.settings.tightText}
        isOn={settings.tight_sync}
        isReadOnly={isReadOnly}
        onChange={(tight_sync) => session.changeSettings({ tight_sync })}
      />
      <Switch
        label={t.settings.lock}
        text={t.settings.lockText}
        isOn={settings.is_locked}
        isReadOnly={isReadOnly}
        onChange={(is_locked) => session.changeSettings({ is_locked })}
      />
      <Switch
        label={t.settings.unlisted}
        text={t.settings.unlistedText}
        isOn={settings.is_unlisted}
        isReadOnly={isReadOnly}
        onChange={(is_unlisted) => session.changeSettings({ is_unlisted })}
      />
      <PasswordSetting session={session} hasPassword={settings.has_password} isReadOnly={isReadOnly} />
    </div>
  );
}

interface PasswordProps {
  readonly session: RoomSession;
  readonly hasPassword: boolean;
  readonly isReadOnly: boolean;
}

function PasswordSetting({ session, hasPassword, isReadOnly }: PasswordProps) {
  const [password, setPassword] = useState("");
  if (isReadOnly) {
    return <p className="text-sm">{hasPassword ? t.settings.hasPassword : t.settings.hasNoPassword}</p>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password === "") return;
    session.changeSettings({ password });
    setPassword("");
  };
  return (
    <form onSubmit={submit} className="flex gap-2">
      <input
        type="password"
        aria-label={t.settings.roomPassword}
        placeholder={hasPassword ? t.settings.otherPassword : t.settings.newPassword}
        autoComplete="new-password"
        maxLength={200}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        className="h-10 min-w-0 flex-1 rounded-control border border-line bg-raised px-3 text-sm outline-none placeholder:text-dim focus:border-accent/70 touch:h-11 touch:text-base"
      />
      {password === "" && hasPassword ? (
        <Button onClick={() => session.changeSettings({ password: "" })}>{t.common.remove}</Button>
      ) : (
        <Button type="submit" disabled={password === ""}>
          {t.settings.set}
        </Button>
      )}
    </form>
  );
}
