import { ArrowBigUp, CircleAlert, KeyRound, ListStart, MoreVertical, Play, RotateCcw, X } from "lucide-react";
import type { CSSProperties, MouseEventHandler, ReactNode } from "react";
import { clockTime, siteOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { mayMend } from "@/room/signIns";
import { failureWords } from "@/room/words";
import { t } from "@/text";
import { ActionMenu } from "@/ui/ActionMenu";
import { cx } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { Spinner } from "@/ui/Spinner";
import { Thumbnail } from "@/ui/Thumbnail";
import type { QueueItem, Resolving } from "@/wire/wire.gen";
import { Grip } from "./Grip";
import { useObjection } from "./useObjection";

/** What lets a row be dragged. */
interface Sorting {
  readonly ref: (element: HTMLElement | null) => void;
  readonly style: CSSProperties;
  readonly isDragging: boolean;
  readonly grip: ReactNode;
  /** By mouse, at the picture. */
  readonly take: MouseEventHandler | undefined;
}

export interface QueueRowProps {
  readonly session: RoomSession;
  readonly item: QueueItem;
  readonly stage: Resolving["stage"] | undefined;
  readonly isCurrent: boolean;
  readonly onMove: (step: number) => void;
  readonly sorting?: Sorting;
}

export function QueueRow({ session, item, stage, isCurrent, onMove, sorting }: QueueRowProps) {
  const objection = useObjection(session, "queue");
  const isLent = useStore(session.view, ({ replica }) => replica !== null && item.lenders.includes(replica.you.id));
  const canPlay = !isCurrent && item.status !== "failed";
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    onMove(event.key === "ArrowUp" ? -1 : 1);
  };
  return (
    <li
      ref={sorting?.ref}
      style={sorting?.style}
      aria-current={isCurrent || undefined}
      onKeyDown={onKeyDown}
      className={cx(
        "group relative flex items-center gap-3 rounded-control p-2 transition-colors duration-120",
        isCurrent ? "bg-raised" : "hover:bg-raised",
        // What is far from the screen of a long list is neither laid out nor painted.
        sorting?.isDragging
          ? "z-10 bg-raised shadow-float"
          : "[contain-intrinsic-size:auto_70px] [content-visibility:auto]",
      )}
    >
      {sorting?.grip ?? <Grip title={item.title} disabled />}
      <Picture item={item} isCurrent={isCurrent} take={sorting?.take} />
      <div className="min-w-0 flex-1">
        <p
          dir="auto"
          className={cx(
            "text-left text-sm leading-[1.35] font-medium break-words",
            item.status === "ready" ? "line-clamp-2" : "line-clamp-1 break-all",
          )}
        >
          {item.status === "ready" ? item.title : shortened(item.title)}
        </p>
        <Facts session={session} item={item} stage={stage} isCurrent={isCurrent} />
      </div>
      <div
        className={cx(
          "flex shrink-0 items-center transition-opacity duration-120 touch:opacity-100",
          "opacity-0 group-focus-within:opacity-100 group-hover:opacity-100",
          "not-touch:absolute not-touch:top-1/2 not-touch:right-1.5 not-touch:-translate-y-1/2 not-touch:rounded-control not-touch:bg-raised not-touch:shadow-[-12px_0_12px_var(--raised)]",
        )}
      >
        {canPlay && (
          <>
            <IconButton
              label={t.queue.playNow}
              size="small"
              className="touch:hidden"
              objection={objection}
              onClick={() => session.queue.playNow(item)}
            >
              <Play size={16} fill="currentColor" />
            </IconButton>
            <IconButton
              label={t.queue.playNext}
              size="small"
              className="touch:hidden"
              objection={objection}
              onClick={() => session.queue.playNext(item)}
            >
              <ListStart size={17} />
            </IconButton>
          </>
        )}
        {isLent && (
          <IconButton label={t.queue.stopSignIn} size="small" onClick={() => session.queue.takeBack(item)}>
            <KeyRound size={16} />
          </IconButton>
        )}
        {canPlay && objection === null && (
          <ActionMenu
            actions={[
              { label: t.queue.playNow, icon: <Play />, run: () => session.queue.playNow(item) },
              { label: t.queue.playNext, icon: <ListStart />, run: () => session.queue.playNext(item) },
              { label: t.common.remove, icon: <X />, run: () => session.queue.remove(item) },
            ]}
            trigger={
              <IconButton label={t.common.more} size="small" className="not-touch:hidden">
                <MoreVertical size={17} />
              </IconButton>
            }
          />
        )}
        <IconButton
          label={t.common.remove}
          size="small"
          // Beside a menu that has it too, titles need the room more.
          className={canPlay && objection === null ? "touch:hidden" : undefined}
          objection={objection}
          onClick={() => session.queue.remove(item)}
        >
          <X size={17} />
        </IconButton>
      </div>
    </li>
  );
}

interface PictureProps extends Pick<QueueRowProps, "item" | "isCurrent"> {
  readonly take: MouseEventHandler | undefined;
}

function Picture({ item, isCurrent, take }: PictureProps) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys and fingers take the item at its grip
    <span
      onMouseDown={take}
      className={cx("relative w-24 shrink-0 select-none max-[360px]:w-20", take && "not-touch:cursor-grab")}
    >
      <Thumbnail
        key={item.thumbnail}
        url={item.thumbnail}
        seed={item.id}
        isPlain={isCurrent || item.status !== "ready"}
        className="aspect-video rounded-[6px]"
      />
      {item.status === "resolving" && (
        <span className="absolute inset-0 grid place-items-center rounded-[6px] bg-black/45 text-white">
          <Spinner className="size-5" />
        </span>
      )}
      {item.status === "failed" && (
        <span className="absolute inset-0 grid place-items-center rounded-[6px] bg-black/55 text-white">
          <CircleAlert size={20} aria-hidden />
        </span>
      )}
      {isCurrent && item.status === "ready" && (
        <span className="absolute inset-0 flex items-center justify-center gap-[3px] rounded-[6px] bg-black/50">
          {[0, 220, 440].map((delay) => (
            <span
              key={delay}
              style={{ animationDelay: `-${delay}ms` }}
              className="h-4 w-[3px] origin-bottom animate-[bounce-bar_1s_ease-in-out_infinite] rounded-full bg-accent"
            />
          ))}
        </span>
      )}
      {item.duration > 0 && !isCurrent && (
        <span className="absolute right-1 bottom-1 rounded bg-black/75 px-1 text-[11px] leading-4 font-medium text-white tabular-nums">
          {clockTime(item.duration)}
        </span>
      )}
    </span>
  );
}

function Facts({ session, item, stage, isCurrent }: Omit<QueueRowProps, "onMove" | "sorting">) {
  if (item.status === "failed") {
    return (
      <>
        <p className="mt-0.5 text-xs text-pretty text-bad">{failureWords(item)}</p>
        <span className="mt-1 flex flex-wrap gap-x-4 gap-y-1.5">
          <button
            type="button"
            onClick={() => session.queue.retry(item)}
            className="relative inline-flex items-center gap-1.5 rounded text-xs font-semibold text-ink hover:text-accent-text after:absolute after:-inset-x-2 after:-inset-y-2.5 touch:py-1 touch:after:-inset-y-2.5"
          >
            <RotateCcw size={13} aria-hidden /> {t.common.tryAgain}
          </button>
          {mayMend(item) && (
            <button
              type="button"
              onClick={() => session.signIns.open(item)}
              className="relative inline-flex items-center gap-1.5 rounded text-xs font-semibold text-ink hover:text-accent-text after:absolute after:-inset-x-2 after:-inset-y-2.5 touch:py-1 touch:after:-inset-y-2.5"
            >
              <KeyRound size={13} aria-hidden /> {t.queue.shareCookies}
            </button>
          )}
        </span>
      </>
    );
  }
  if (item.status === "resolving") {
    return <p className="mt-0.5 text-xs text-dim">{stage ? t.stage.stages[stage] : t.stage.opening}</p>;
  }
  const by = item.added_by ? session.nameOf(item.added_by) : null;
  return (
    <div className="mt-0.5 flex items-center gap-2 text-xs text-dim">
      {!isCurrent && <Vote session={session} item={item} />}
      <p className="min-w-0 truncate">
        {isCurrent && <span className="font-medium text-accent-text">{t.room.nowPlaying} · </span>}
        {by !== null && (
          <>
            <bdi>{by}</bdi> ·{" "}
          </>
        )}
        {siteOf(item.url)}
      </p>
    </div>
  );
}

/** Items with more votes come first. */
function Vote({ session, item }: Pick<QueueRowProps, "session" | "item">) {
  const you = useStore(session.view, ({ replica }) => replica?.you.id ?? "");
  const objection = useObjection(session, "chat");
  const isMine = item.votes.includes(you);
  const count = item.votes.length;
  if (objection !== null && count === 0) return null;
  return (
    <button
      type="button"
      aria-label={t.queue.vote(item.title, count)}
      aria-pressed={isMine}
      disabled={objection !== null}
      title={objection ?? t.queue.votesFirst}
      onClick={() => session.queue.vote(item)}
      className={cx(
        "relative inline-flex h-5 shrink-0 items-center gap-0.5 rounded-full border px-1.5 font-medium tabular-nums transition-colors duration-120 after:absolute after:-inset-2 touch:after:-inset-3",
        isMine
          ? "border-accent/60 bg-accent/15 text-accent-text"
          : "border-line hover:border-dim/60 hover:text-ink disabled:hover:border-line",
      )}
    >
      <ArrowBigUp size={14} fill={isMine ? "currentColor" : "none"} aria-hidden />
      {count > 0 && <span aria-hidden>{count}</span>}
    </button>
  );
}

function shortened(url: string): string {
  return url.replace(/^https?:\/\/(www\.)?/, "");
}
