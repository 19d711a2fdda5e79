import { FolderPlus, ListPlus, Play, X } from "lucide-react";
import { useState } from "react";
import { clockTime, dayTime, siteOf } from "@/lib/format";
import { type Library, type LibraryView, linkOf } from "@/library/library";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { IconButton } from "@/ui/IconButton";
import { Spinner } from "@/ui/Spinner";
import { Switch } from "@/ui/Switch";
import { Thumbnail } from "@/ui/Thumbnail";
import type { HistoryEntry } from "@/wire/wire.gen";
import type { Target } from "./target";

interface Props {
  readonly library: Library;
  readonly view: LibraryView;
  readonly target: Target;
  readonly lend: boolean;
}

/** What this person watched, last first. */
export function HistoryShelf({ library, view: { history, isBusy, problem }, target, lend }: Props) {
  const [isAsking, setAsking] = useState(false);
  if (history === null) return problem === null ? <Spinner className="mx-auto my-6 size-5" /> : null;
  return (
    <div className="flex flex-col gap-4">
      <Switch
        label={t.library.isKept}
        text={t.library.isKeptText}
        isOn={history.is_kept}
        isReadOnly={isBusy}
        onChange={(isOn) => void library.keep(isOn)}
      />
      {history.entries.length === 0 ? (
        <p className="py-6 text-center text-balance text-dim">
          {history.is_kept ? t.library.noHistory : t.library.historyIsOff}
        </p>
      ) : (
        <>
          <ul aria-label={t.library.history} className="-mx-2 max-h-[45vh] overflow-y-auto overscroll-contain">
            {history.entries.map((entry) => (
              <Entry key={entry.id} library={library} entry={entry} target={target} lend={lend} isBusy={isBusy} />
            ))}
          </ul>
          <Button onClick={() => setAsking(true)} disabled={isBusy}>
            {t.library.clear}
          </Button>
        </>
      )}
      <ConfirmDialog
        title={t.library.clearTitle}
        text={t.library.clearText}
        action={t.library.clear}
        isOpen={isAsking}
        onConfirm={() => void library.clear()}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

interface EntryProps extends Omit<Props, "view"> {
  readonly entry: HistoryEntry;
  readonly isBusy: boolean;
}

function Entry({ library, entry, target, lend, isBusy }: EntryProps) {
  const { title, url, duration, position } = entry;
  const far = duration > 0 ? t.library.of(clockTime(position), clockTime(duration)) : clockTime(position);
  return (
    <li className="flex items-center gap-2 rounded-control p-2 transition-colors duration-120 hover:bg-hover">
      <span className="relative w-20 shrink-0 overflow-hidden rounded-[6px] max-[420px]:hidden">
        <Thumbnail key={entry.thumbnail} url={entry.thumbnail} seed={entry.id} className="aspect-video" />
        {duration > 0 && (
          <span className="absolute inset-x-0 bottom-0 h-1 bg-black/50" aria-hidden>
            <span
              className="block h-full bg-accent"
              style={{ width: `${Math.min(100, (100 * position) / duration)}%` }}
            />
          </span>
        )}
      </span>
      <div className="min-w-0 flex-1">
        <p className="line-clamp-2 text-sm leading-[1.35] font-medium break-words">{title}</p>
        <p className="text-xs text-dim tabular-nums">
          {[dayTime(entry.watched_at), position > 0 ? far : "", siteOf(url), t.library.room(entry.room)]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      <IconButton
        label={target.kind === "room" ? t.library.playHere(title) : t.library.play(title)}
        size="small"
        objection={target.objection}
        onClick={() => target.playLink(url, title, lend)}
      >
        {target.kind === "room" ? <ListPlus size={17} /> : <Play size={16} />}
      </IconButton>
      <IconButton
        label={t.library.keep(title)}
        size="small"
        onClick={() => library.bring([linkOf(entry, entry.is_private)])}
      >
        <FolderPlus size={17} />
      </IconButton>
      <IconButton
        label={t.library.forget(title)}
        size="small"
        disabled={isBusy}
        onClick={() => void library.forget(entry.id)}
      >
        <X size={17} />
      </IconButton>
    </li>
  );
}
