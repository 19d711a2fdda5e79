import { KeyRound, Trash2, Upload } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { siteOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { type SignInView, siteFor } from "@/room/signIns";
import { livesUntil } from "@/room/words";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { IconButton } from "@/ui/IconButton";
import { Browsers } from "./Browsers";

const MOST_BYTES = 1 << 20;

/** Cookies of sites: bring them, see of which sites, take them back. */
interface DialogProps {
  readonly session: RoomSession;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function SignInsDialog({ session, isOpen, onClose }: DialogProps) {
  const view = useStore(session.signIns.view, (value) => value);
  return (
    <Dialog title={t.signIns.title} description={t.signIns.text} isOpen={isOpen} onClose={onClose}>
      <div className="flex flex-col gap-5">
        <Offer session={session} view={view} />
        <Sites session={session} view={view} />
        <Browsers session={session} />
        <Bring session={session} view={view} />
      </div>
    </Dialog>
  );
}

interface Props {
  readonly session: RoomSession;
  readonly view: SignInView;
}

/** What the dialog was opened for: one button, where the cookies are here already. */
function Offer({ session, view: { item, sites } }: Props) {
  if (item === null) return null;
  if (siteFor(item.url, sites ?? []) === null) {
    return <p className="text-sm text-pretty">{t.signIns.bringFor(siteOf(item.url))}</p>;
  }
  return (
    <div className="flex flex-col gap-2">
      <p className="text-sm text-pretty">{t.signIns.mayOpen(siteOf(item.url))}</p>
      <Button look="primary" onClick={() => session.signIns.use(item)}>
        <KeyRound size={17} aria-hidden /> {t.signIns.useIt}
      </Button>
    </div>
  );
}

function Sites({ session, view: { sites, isBusy } }: Props) {
  if (sites === null || sites.length === 0) return null;
  return (
    <section>
      <h3 className="mb-1 text-xs font-medium text-dim">{t.signIns.kept}</h3>
      <ul aria-label={t.signIns.sites} className="flex max-h-48 flex-col overflow-y-auto">
        {sites.map(({ domain, expires_at }) => (
          <li key={domain} className="flex items-center gap-2 border-b border-line py-1 last:border-0">
            <span className="min-w-0 flex-1">
              <span className="block text-sm font-medium break-all">{domain}</span>
              <span className="block text-xs text-dim">{livesUntil(expires_at)}</span>
            </span>
            <IconButton
              label={t.signIns.delete(domain)}
              size="small"
              disabled={isBusy}
              onClick={() => void session.signIns.forget(domain)}
            >
              <Trash2 size={16} />
            </IconButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Bring({ session, view: { problem, lines, isBusy } }: Props) {
  const [text, setText] = useState("");
  const [isTooLarge, setTooLarge] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const save = async (content: string) => {
    setTooLarge(content.length > MOST_BYTES);
    if (content.trim() === "" || content.length > MOST_BYTES) return;
    if (await session.signIns.save(content)) setText("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save(text);
  };
  const take = (chosen: File | undefined) => {
    if (chosen === undefined) return;
    if (chosen.size > MOST_BYTES) setTooLarge(true);
    else void chosen.text().then(save);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <textarea
        aria-label={t.signIns.cookies}
        placeholder={t.signIns.paste}
        rows={4}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="w-full resize-y rounded-control border border-line bg-raised p-3 font-mono text-xs outline-none placeholder:font-sans placeholder:text-dim focus:border-accent/70 touch:text-base"
      />
      {(isTooLarge || problem !== null) && (
        <div role="alert" className="text-sm text-bad">
          <p>{isTooLarge ? t.signIns.tooLarge : problem}</p>
          {lines.map((line) => (
            <p key={line} className="text-xs">
              {line}
            </p>
          ))}
        </div>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <input
          ref={file}
          type="file"
          aria-label={t.signIns.fromDevice}
          accept=".txt,.json,text/plain,application/json"
          className="sr-only"
          tabIndex={-1}
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <Button onClick={() => file.current?.click()} disabled={isBusy}>
          <Upload size={17} aria-hidden /> {t.signIns.chooseFile}
        </Button>
        <Button look="primary" type="submit" disabled={isBusy || text.trim() === ""}>
          {t.common.save}
        </Button>
      </div>
    </form>
  );
}
