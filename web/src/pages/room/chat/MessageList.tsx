import { ArrowDown, MessagesSquare, Undo2 } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";
import { dayTime, hue } from "@/lib/format";
import { useStore } from "@/lib/store";
import { canUndo, entryWords } from "@/room/log";
import type { RoomSession } from "@/room/session";
import { type Did, type Said, timeline } from "@/room/timeline";
import { t } from "@/text";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/classes";
import { ChatText } from "./ChatText";

// Closer to the end than this, the list follows what is new.
const NEAR_PX = 80;
const AGE_MS = 15_000;

export function MessageList({ session }: { readonly session: RoomSession }) {
  const { chat, log, you } = useStore(session.view, ({ replica }) => ({
    chat: replica?.chat ?? NONE,
    log: replica?.log ?? NONE,
    you: replica?.you.id ?? "",
  }));
  const pending = useStore(session.talk.pending, (value) => value);
  const moments = useMemo(() => timeline(chat, log, pending, you), [chat, log, pending, you]);
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  const [hasNewer, setNewer] = useState(false);
  const [, age] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    // What can be undone grows old.
    const timer = window.setInterval(age, AGE_MS);
    return () => window.clearInterval(timer);
  }, []);
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    // A keyboard that comes up must not hide the end.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the list
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    if (isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [moments]);
  const follow = () => {
    const element = list.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
    isAtEnd.current = true;
    setNewer(false);
  };
  const newest = chat.at(-1);
  const seen = useRef(newest?.id);
  useEffect(() => {
    if (newest === undefined || newest.id === seen.current) return;
    seen.current = newest.id;
    if (newest.by === you) follow();
    else if (!isAtEnd.current) setNewer(true);
  });

  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      {moments.length === 0 && <Empty />}
      <ol
        ref={list}
        aria-label={t.chat.messages}
        aria-live="polite"
        aria-relevant="additions"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
        data-keys="own"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
          if (isAtEnd.current) setNewer(false);
        }}
        className="flex min-h-0 flex-1 flex-col gap-2.5 overflow-x-hidden overflow-y-auto overscroll-contain px-3.5 py-3 outline-none focus-visible:outline-2 focus-visible:-outline-offset-2"
      >
        <li aria-hidden className="mt-auto" />
        {moments.map((moment) =>
          moment.kind === "said" ? (
            <Words key={moment.key} session={session} said={moment} isOwn={moment.by === you} />
          ) : (
            <Deed key={moment.key} session={session} did={moment} />
          ),
        )}
      </ol>
      {hasNewer && (
        <button
          type="button"
          onClick={follow}
          className="absolute bottom-3 left-1/2 flex h-9 -translate-x-1/2 animate-enter items-center gap-1.5 rounded-full bg-accent px-4 text-sm font-semibold text-on-accent shadow-float hover:bg-accent-strong touch:h-11"
        >
          <ArrowDown size={15} aria-hidden /> {t.chat.newer}
        </button>
      )}
    </div>
  );
}

const NONE: readonly never[] = [];

function Words({ session, said, isOwn }: { session: RoomSession; said: Said; isOwn: boolean }) {
  const name = isOwn ? t.names.you : said.name || session.nameOf(said.by);
  return (
    <li className="flex gap-2.5">
      <Avatar id={said.by} name={isOwn ? session.ownName() : name} size="small" className="mt-0.5" />
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline gap-2">
          <span
            className="truncate text-sm font-semibold"
            style={{ color: `light-dark(oklch(0.48 0.13 ${hue(said.by)}), oklch(0.82 0.1 ${hue(said.by)}))` }}
          >
            <bdi>{name}</bdi>
          </span>
          <time
            className="shrink-0 text-[11px] text-dim tabular-nums"
            dateTime={new Date(said.at * 1000).toISOString()}
          >
            {dayTime(said.at)}
          </time>
        </p>
        {said.lines.map((line) => (
          <p
            key={line.key}
            dir="auto"
            className={cx(
              "text-sm leading-normal whitespace-pre-wrap [overflow-wrap:anywhere]",
              line.isPending && "opacity-60",
            )}
          >
            <ChatText text={line.text} />
          </p>
        ))}
      </div>
    </li>
  );
}

function Deed({ session, did }: { session: RoomSession; did: Did }) {
  const { entry } = did;
  const who = session.nameOf(entry.by, entry.name);
  return (
    <li className="-my-0.5 flex min-h-5 items-center gap-2 pl-[38px] text-xs text-dim">
      <span className="line-clamp-2 min-w-0 [overflow-wrap:anywhere]">
        {entryWords(entry, who, (link) => session.titleOf(link))}
      </span>
      {canUndo(entry, session.clock.now()) && (
        <button
          type="button"
          onClick={() => session.undo(entry.version)}
          className="relative inline-flex shrink-0 items-center gap-1 rounded font-semibold text-ink after:absolute after:-inset-x-2 after:-inset-y-2 touch:after:-inset-y-3.5 hover:text-accent-text"
        >
          <Undo2 size={12} aria-hidden /> {t.common.undo}
        </button>
      )}
    </li>
  );
}

function Empty() {
  return (
    <div className="absolute inset-0 flex flex-col items-center justify-center px-8 text-center text-dim">
      <MessagesSquare size={26} strokeWidth={1.5} aria-hidden />
      <p className="mt-3 text-balance">{t.chat.empty}</p>
    </div>
  );
}
