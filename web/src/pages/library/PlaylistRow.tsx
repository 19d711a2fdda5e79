import { useSortable } from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { ListPlus, Play, X } from "lucide-react";
import { clockTime, siteOf } from "@/lib/format";
import { Grip } from "@/pages/room/Grip";
import { t } from "@/text";
import { cx } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { Thumbnail } from "@/ui/Thumbnail";
import type { PlaylistItem } from "@/wire/wire.gen";
import type { Target } from "./target";

interface Props {
  readonly item: PlaylistItem;
  readonly target: Target;
  readonly isBusy: boolean;
  readonly onPlay: () => void;
  readonly onRemove: () => void;
  readonly onMove: (step: number) => void;
}

export function PlaylistRow({ item, target, isBusy, onPlay, onRemove, onMove }: Props) {
  const { setNodeRef, setActivatorNodeRef, listeners, attributes, transform, transition, isDragging } = useSortable({
    id: item.id,
  });
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    onMove(event.key === "ArrowUp" ? -1 : 1);
  };
  return (
    <li
      ref={setNodeRef}
      style={{ transform: CSS.Translate.toString(transform), transition }}
      onKeyDown={onKeyDown}
      className={cx(
        "group relative flex items-center gap-2 rounded-control p-2 transition-colors duration-120 hover:bg-hover",
        isDragging && "z-10 bg-raised shadow-float",
      )}
    >
      <Grip ref={setActivatorNodeRef} {...attributes} {...listeners} title={item.title} disabled={false} />
      <span className="w-20 shrink-0 max-[420px]:hidden">
        <Thumbnail key={item.thumbnail} url={item.thumbnail} seed={item.id} className="aspect-video rounded-[6px]" />
      </span>
      <div className="min-w-0 flex-1">
        <p className="line-clamp-2 text-sm leading-[1.35] font-medium break-words">{item.title}</p>
        <p className="truncate text-xs text-dim tabular-nums">
          {[item.duration > 0 ? clockTime(item.duration) : "", siteOf(item.url)].filter(Boolean).join(" · ")}
        </p>
      </div>
      <IconButton
        label={target.kind === "room" ? t.library.playHere(item.title) : t.library.play(item.title)}
        size="small"
        objection={target.objection}
        onClick={onPlay}
      >
        {target.kind === "room" ? <ListPlus size={17} /> : <Play size={16} />}
      </IconButton>
      <IconButton label={t.library.remove(item.title)} size="small" disabled={isBusy} onClick={onRemove}>
        <X size={17} />
      </IconButton>
    </li>
  );
}
