import { ArrowLeft, MoreVertical, Pencil, Play, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { readLink } from "@/lib/links";
import type { Library } from "@/library/library";
import { SortableQueue } from "@/pages/room/SortableQueue";
import { t } from "@/text";
import { ActionMenu } from "@/ui/ActionMenu";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { IconButton } from "@/ui/IconButton";
import { TextField } from "@/ui/TextField";
import type { Playlist } from "@/wire/wire.gen";
import { PlaylistRow } from "./PlaylistRow";
import type { Target } from "./target";

interface Props {
  readonly library: Library;
  readonly playlist: Playlist;
  readonly target: Target;
  readonly lend: boolean;
  readonly isBusy: boolean;
}

/** One playlist: its links, to play, to order and to change. */
export function PlaylistSheet({ library, playlist, target, lend, isBusy }: Props) {
  return (
    <div className="flex flex-col gap-4">
      <Head library={library} playlist={playlist} />
      {playlist.items.length === 0 ? (
        <p className="py-4 text-center text-balance text-dim">{t.library.emptyPlaylist}</p>
      ) : (
        <>
          <Button
            look="primary"
            disabled={target.objection !== null}
            onClick={() => target.playList(playlist.id, playlist.name, lend)}
          >
            <Play size={16} fill="currentColor" aria-hidden />
            {target.kind === "room" ? t.library.playAllHere : t.library.playAll}
          </Button>
          <Links library={library} playlist={playlist} target={target} lend={lend} isBusy={isBusy} />
        </>
      )}
      {target.objection !== null && <p className="text-center text-sm text-dim">{target.objection}</p>}
      <AddLink library={library} isBusy={isBusy} />
    </div>
  );
}

function Head({ library, playlist }: Pick<Props, "library" | "playlist">) {
  const [name, setName] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (name !== null && name.trim() !== "" && (await library.rename(name.trim()))) setName(null);
  };
  return (
    <div className="flex items-center gap-2">
      <IconButton label={t.library.back} size="small" onClick={() => library.back()}>
        <ArrowLeft size={18} />
      </IconButton>
      {name === null ? (
        <h3 className="min-w-0 flex-1 truncate font-semibold">{playlist.name}</h3>
      ) : (
        <form onSubmit={submit} className="flex min-w-0 flex-1 gap-2">
          <TextField
            label={t.library.newName}
            maxLength={80}
            value={name}
            autoFocus
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit">{t.common.save}</Button>
        </form>
      )}
      <ActionMenu
        actions={[
          { label: t.library.rename, icon: <Pencil />, run: () => setName(playlist.name) },
          { label: t.library.delete, icon: <Trash2 />, isGrave: true, run: () => setAsking(true) },
        ]}
        trigger={
          <IconButton label={t.common.more} size="small">
            <MoreVertical size={18} />
          </IconButton>
        }
      />
      <ConfirmDialog
        title={t.library.deleteTitle(playlist.name)}
        text={t.library.deleteText(playlist.items.length)}
        action={t.library.delete}
        isOpen={isAsking}
        onConfirm={() => void library.delete()}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

function Links({ library, playlist, target, lend, isBusy }: Props) {
  const ids = playlist.items.map((item) => item.id);
  const move = (from: number, to: number) => {
    if (from < 0 || to < 0 || to >= ids.length || from === to) return;
    const order = ids.filter((_, place) => place !== from);
    order.splice(to, 0, ids[from] ?? "");
    void library.reorder(order);
  };
  const titleOf = (id: string) => playlist.items.find((item) => item.id === id)?.title ?? "";
  return (
    <SortableQueue ids={ids} all={ids.length} titleOf={titleOf} onMove={move}>
      <ul
        aria-label={t.library.list(playlist.name)}
        className="-mx-2 max-h-[40vh] overflow-x-hidden overflow-y-auto overscroll-contain"
      >
        {playlist.items.map((item, index) => (
          <PlaylistRow
            key={item.id}
            item={item}
            target={target}
            isBusy={isBusy}
            onPlay={() => target.playLink(item.url, item.title, lend)}
            onRemove={() => void library.remove(item.id)}
            onMove={(step) => move(index, index + step)}
          />
        ))}
      </ul>
    </SortableQueue>
  );
}

function AddLink({ library, isBusy }: Pick<Props, "library" | "isBusy">) {
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const url = readLink(text);
    setWrong(url === null && text.trim() !== "");
    if (url !== null && (await library.add(url))) setText("");
  };
  return (
    <form onSubmit={submit} noValidate>
      {isWrong && (
        <p role="alert" className="mb-2 text-sm text-bad">
          {t.queue.notALink}
        </p>
      )}
      <div className="flex gap-2 max-[420px]:flex-col">
        <TextField
          label={t.library.addLink}
          className="max-[420px]:flex-none"
          inputMode="url"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={2048}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
        />
        <Button type="submit" disabled={isBusy}>
          {t.library.add}
        </Button>
      </div>
    </form>
  );
}
