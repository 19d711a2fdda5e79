import { bringing, broughtLink } from "@/lib/brought";
import { go, roomPath } from "@/lib/routing";
import { t } from "@/text";
import { Avatar } from "@/ui/Avatar";
import { Thumbnail } from "@/ui/Thumbnail";
import type { RoomSummary } from "@/wire/wire.gen";

export function RoomCard({ room }: { readonly room: RoomSummary }) {
  const path = bringing(roomPath(room.id), broughtLink());
  const names = room.member_names;
  return (
    <li>
      <a
        href={path}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          go(path);
        }}
        className="group block overflow-hidden rounded-panel border border-line bg-panel transition-[background-color,transform] duration-180 ease-out hover:-translate-y-0.5 hover:bg-raised"
      >
        <span className="relative block">
          <Thumbnail url={room.thumbnail} seed={room.id} className="aspect-video" />
          {room.is_playing && (
            <span className="absolute bottom-2 left-2 flex items-center gap-1.5 rounded-full bg-black/70 px-2 py-0.5 text-xs font-medium text-white">
              <span className="size-1.5 animate-breathe rounded-full bg-accent" /> {t.landing.playing}
            </span>
          )}
        </span>
        <span className="flex items-center gap-3 p-3">
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">{room.id}</span>
            <span dir="auto" className="block truncate text-left text-xs text-dim">
              {room.title || t.landing.nothingPlaying}
            </span>
          </span>
          <span className="flex -space-x-2" title={names.join(", ")}>
            {names.slice(0, 3).map((name, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name
              <Avatar key={index} id={name} name={name} size="small" className="ring-2 ring-panel" />
            ))}
          </span>
          <span className="sr-only">
            {names.length === 0 ? t.landing.nobodyHere : t.landing.here(names.join(", "))}
          </span>
        </span>
      </a>
    </li>
  );
}
