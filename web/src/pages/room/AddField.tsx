import { ChevronDown, ListPlus, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { readLink } from "@/lib/links";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { siteFor } from "@/room/signIns";
import { t } from "@/text";
import { ActionMenu } from "@/ui/ActionMenu";
import { Button } from "@/ui/Button";
import { Switch } from "@/ui/Switch";
import { TextField } from "@/ui/TextField";
import * as frame from "./frame";
import { useObjection } from "./useObjection";

export function AddField({ session }: { readonly session: RoomSession }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isLent, setLent] = useState(false);
  const sites = useStore(session.signIns.view, (view) => view.sites);
  const link = readLink(text);
  const site = link === null || sites === null ? null : siteFor(link, sites);

  const objection = useObjection(session, "queue");

  const add = (next: boolean) => {
    const url = readLink(text);
    if (url === null) {
      setProblem(text.trim() === "" ? null : t.queue.notALink);
      return;
    }
    session.queue.add(url, next, site !== null && isLent);
    setText("");
    setLent(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add(false);
  };
  if (objection !== null) {
    return (
      <p className="shrink-0 border-t border-line p-4 text-center text-sm text-dim">{t.rights.sentence(objection)}</p>
    );
  }

  return (
    <form onSubmit={submit} className={frame.FOOT} noValidate>
      {problem && (
        <p role="alert" className="mb-2 text-sm text-bad">
          {problem}
        </p>
      )}
      {site !== null && (
        <div className="mb-2">
          <Switch
            label={t.queue.lendSignIn(site)}
            text={t.queue.lendSignInText}
            isOn={isLent}
            isReadOnly={false}
            onChange={setLent}
          />
        </div>
      )}
      <div className="flex gap-2">
        <TextField
          label={t.queue.link}
          inputMode="url"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          enterKeyHint="send"
          maxLength={2048}
          value={text}
          onFocus={() => session.signIns.load()}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(null);
          }}
        />
        <span className="flex">
          <Button look="primary" type="submit" className="rounded-r-none pr-3">
            <Plus size={18} aria-hidden />
            {t.queue.add}
          </Button>
          <ActionMenu
            side="top"
            actions={[{ label: t.queue.playNext, icon: <ListPlus />, run: () => add(true) }]}
            trigger={
              <Button
                look="primary"
                aria-label={t.queue.moreWays}
                className="rounded-l-none border-l border-on-accent/20 px-2"
              >
                <ChevronDown size={16} aria-hidden />
              </Button>
            }
          />
        </span>
      </div>
    </form>
  );
}
