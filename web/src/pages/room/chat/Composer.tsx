import { SendHorizontal } from "lucide-react";
import type { FormEvent } from "react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/TextField";
import { useObjection } from "../useObjection";

const MOST = 500;

export function Composer({ session }: { readonly session: RoomSession }) {
  const draft = useStore(session.talk.draft, (value) => value);
  const reason = useObjection(session, "chat");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = draft.trim();
    if (text === "") return;
    session.talk.draft.set("");
    session.say(text);
  };
  if (reason !== null) return <p className="py-2 text-center text-sm text-dim">{t.rights.sentence(reason)}</p>;
  return (
    <form onSubmit={submit} className="relative flex gap-2">
      <TextField
        label={t.chat.message}
        autoComplete="off"
        enterKeyHint="send"
        maxLength={MOST}
        value={draft}
        onChange={(event) => session.talk.draft.set(event.target.value)}
      />
      {draft.length > MOST - 60 && (
        <span className="absolute -top-5 right-14 text-xs text-dim tabular-nums">{MOST - draft.length}</span>
      )}
      <Button look="primary" type="submit" aria-label={t.chat.send} className="px-3" disabled={draft.trim() === ""}>
        <SendHorizontal size={18} aria-hidden />
      </Button>
    </form>
  );
}
