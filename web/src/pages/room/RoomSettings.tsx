import { type FormEvent, useState } from "react";
import { useStore } from "@/lib/store";
import { isAtMost, myRole, objection, type Permission, type Role } from "@/room/rights";
import type { RoomSession } from "@/room/session";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Select";
import { Switch } from "@/ui/Switch";
import type { RoomSettings as Settings } from "@/wire/wire.gen";

const guarded: readonly (readonly [Permission, string])[] = [
  ["playback", "Who may play and seek"],
  ["queue", "Who may change the queue"],
  ["chat", "Who may chat"],
  ["settings", "Who may change settings"],
];

const roles: readonly { readonly value: Role; readonly label: string }[] = [
  { value: "viewer", label: "Everybody" },
  { value: "member", label: "Members" },
  { value: "moderator", label: "Moderators" },
  { value: "owner", label: "The owner" },
];

const policies = [
  { value: "never", label: "Nobody" },
  { value: "everyone", label: "Everybody" },
  { value: "owner", label: "The owner" },
] as const satisfies readonly { value: Settings["buffering"]; label: string }[];

/** What the people of the room have agreed on; read-only for those who may not change it. */
export function RoomSettings({ session }: { readonly session: RoomSession }) {
  const replica = useStore(session.view, (view) => view.replica);
  if (replica === null) return null;
  const { settings } = replica;
  const reason = objection(replica, "settings");
  const isReadOnly = reason !== null;
  const mine = myRole(replica);
  return (
    <div className="flex flex-col gap-4">
      {reason && <p className="text-xs text-dim">{reason}.</p>}
      {guarded.map(([permission, label]) => (
        <Select
          key={permission}
          label={label}
          value={settings.permissions[permission]}
          isReadOnly={isReadOnly || !isAtMost(settings.permissions[permission], mine)}
          options={roles.filter(({ value }) => isAtMost(value, mine) || value === settings.permissions[permission])}
          onChange={(role) => session.changeSettings({ permissions: { [permission]: role as Role } })}
        />
      ))}
      <Select
        label="If it stalls, wait for"
        value={settings.buffering}
        isReadOnly={isReadOnly}
        options={policies}
        onChange={(buffering) => session.changeSettings({ buffering: buffering as Settings["buffering"] })}
      />
      <Switch
        label="Tight sync"
        text="Closes gaps too small to notice, by tiny changes of speed."
        isOn={settings.tight_sync}
        isReadOnly={isReadOnly}
        onChange={(tight_sync) => session.changeSettings({ tight_sync })}
      />
      <Switch
        label="Lock the room"
        text="Nobody new comes in."
        isOn={settings.is_locked}
        isReadOnly={isReadOnly}
        onChange={(is_locked) => session.changeSettings({ is_locked })}
      />
      <Switch
        label="Unlisted"
        text="Only those with the address find it."
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
    return <p className="text-sm">{hasPassword ? "The room has a password." : "The room has no password."}</p>;
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
        aria-label="Room password"
        placeholder={hasPassword ? "Another password" : "Password for the room"}
        autoComplete="new-password"
        maxLength={200}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        className="h-10 min-w-0 flex-1 rounded-control border border-line bg-raised px-3 text-sm outline-none placeholder:text-dim focus:border-accent/70 touch:h-11 touch:text-base"
      />
      {password === "" && hasPassword ? (
        <Button onClick={() => session.changeSettings({ password: "" })}>Remove</Button>
      ) : (
        <Button type="submit" disabled={password === ""}>
          Set
        </Button>
      )}
    </form>
  );
}
