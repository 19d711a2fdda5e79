import { ChevronRight, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { clockTime } from "@/lib/format";
import type { Library, LibraryView } from "@/library/library";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Spinner } from "@/ui/Spinner";
import { TextField } from "@/ui/TextField";
import { Thumbnail } from "@/ui/Thumbnail";

interface Props {
  readonly library: Library;
  readonly view: LibraryView;
}

/** All playlists: to look into one, or to put something into one. */
export function PlaylistShelf({ library, view: { playlists, bringing, isBusy, problem } }: Props) {
  const isBringing = bringing.length > 0;
  return (
    <div className="flex flex-col gap-4">
      {isBringing && <p className="text-sm font-medium">{t.library.into(bringing.length)}</p>}
      {playlists === null && problem === null && <Spinner className="mx-auto my-6 size-5" />}
      {playlists?.length === 0 && !isBringing && (
        <p className="py-6 text-center text-balance text-dim">{t.library.noPlaylists}</p>
      )}
      {playlists !== null && playlists.length > 0 && (
        <ul aria-label={t.library.playlists} className="-mx-2 max-h-[45vh] overflow-y-auto">
          {playlists.map((playlist) => (
            <li key={playlist.id}>
              <button
                type="button"
                aria-label={isBringing ? playlist.name : t.library.open(playlist.name)}
                disabled={isBusy}
                onClick={() => void (isBringing ? library.put(playlist) : library.choose(playlist.id))}
                className="flex w-full items-center gap-3 rounded-control p-2 text-left transition-colors duration-120 hover:bg-hover"
              >
                <span className="w-20 shrink-0">
                  <Thumbnail
                    key={playlist.thumbnail}
                    url={playlist.thumbnail}
                    seed={playlist.id}
                    className="aspect-video rounded-[6px]"
                  />
                </span>
                <span className="min-w-0 flex-1">
                  <span className="block truncate text-sm font-medium">{playlist.name}</span>
                  <span className="block text-xs text-dim tabular-nums">
                    {t.library.links(playlist.count)}
                    {playlist.duration > 0 && ` · ${clockTime(playlist.duration)}`}
                  </span>
                </span>
                {isBringing ? <Plus size={18} aria-hidden /> : <ChevronRight size={18} aria-hidden />}
              </button>
            </li>
          ))}
        </ul>
      )}
      <NewPlaylist library={library} isBusy={isBusy} />
    </div>
  );
}

function NewPlaylist({ library, isBusy }: { readonly library: Library; readonly isBusy: boolean }) {
  const [name, setName] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "" && (await library.create(name.trim()))) setName("");
  };
  return (
    <form onSubmit={submit} className="flex gap-2">
      <TextField
        label={t.library.name}
        maxLength={80}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Button type="submit" disabled={isBusy || name.trim() === ""}>
        {t.library.create}
      </Button>
    </form>
  );
}
