/** What people did, as lines between their words. Pure. */
import { momentTime } from "@/lib/format";
import { t } from "@/text";
import type { RoomEvent } from "@/wire/frames";
import type { LogEntry, Member, QueueItem } from "@/wire/wire.gen";

const UNDOABLE_S = 120;

/** The room as it was before an event. */
interface Before {
  readonly members: Readonly<Record<string, Member>>;
  readonly queue: readonly QueueItem[];
}

/** The line of an event that a person caused, as the server would write it; null for everything else. */
export function entryOf(before: Before, event: RoomEvent): LogEntry | null {
  if (!("by" in event) || event.by === "") return null;
  const deed = deedOf(before, event);
  if (deed === null) return null;
  return {
    version: event.version,
    at: event.server_time,
    by: event.by,
    name: before.members[event.by]?.name ?? "",
    timestamp: "timestamp" in event ? event.timestamp : null,
    title: null,
    is_undoable: deed.kind === "seek" || deed.kind === "queue_remove",
    ...deed,
  };
}

type Deed = Pick<LogEntry, "kind"> & Partial<Pick<LogEntry, "title" | "timestamp">>;

function deedOf(before: Before, event: RoomEvent): Deed | null {
  switch (event.type) {
    case "play":
    case "pause":
    case "seek":
    case "settings":
      return { kind: event.type };
    case "set_rate":
      return { kind: "set_rate", title: `${event.rate}×` };
    case "set_video":
      return event.item_id !== null && event.video === null
        ? { kind: "queue_play", title: before.queue.find((item) => item.id === event.item_id)?.title ?? null }
        : null;
    case "queue_update":
      return queueDeed(before, event);
    case "member_left":
      if (event.reason === "left") return null;
      return {
        kind: event.reason === "banned" ? "ban" : "kick",
        title: before.members[event.email]?.name ?? (event.name || null),
      };
    case "unbanned":
      return { kind: "unban", title: event.name };
    default:
      return null;
  }
}

function queueDeed(before: Before, event: Extract<RoomEvent, { type: "queue_update" }>): Deed | null {
  const added = event.queue.find((item) => before.queue.every((known) => known.id !== item.id));
  if (added !== undefined) return { kind: "queue_add", title: added.title };
  const removed = before.queue.find((item) => event.queue.every((left) => left.id !== item.id));
  return removed === undefined ? null : { kind: "queue_remove", title: removed.title };
}

/** "Ben sought to 12:40". `who` is the doer as this person calls them; `titleOf` knows links by better names. */
export function entryWords(entry: LogEntry, who: string, titleOf: (link: string) => string | null): string {
  const title = titleOf(entry.title ?? "") ?? (entry.title ?? "").replace(/^https?:\/\//, "");
  switch (entry.kind) {
    case "play":
      return t.deeds.play(who);
    case "pause":
      return t.deeds.pause(who);
    case "seek":
      return t.deeds.seek(who, momentTime(entry.timestamp ?? 0));
    case "set_rate":
      return title ? t.deeds.rate(who, title) : t.deeds.anyRate(who);
    case "queue_add":
      return t.deeds.added(who, title);
    case "queue_remove":
      return t.deeds.removed(who, title);
    case "queue_play":
      return t.deeds.putOn(who, title);
    case "kick":
      return t.deeds.kicked(who, title);
    case "ban":
      return t.deeds.banned(who, title);
    case "unban":
      return t.deeds.unbanned(who, title);
    case "settings":
      return t.deeds.settings(who);
  }
}

export function canUndo(entry: LogEntry, now: number | null): boolean {
  // While the clock is being read anew, the room knows.
  return entry.is_undoable && (now === null || now - entry.at < UNDOABLE_S);
}
