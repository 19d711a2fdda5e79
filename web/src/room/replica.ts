/** This page's copy of the room, moved on by the server's events. Pure. */
import { type Anchor, REST } from "@/sync/position";
import type { RoomEvent, ServerMessage, Snapshot } from "@/wire/frames";
import type {
  ChatMessage,
  Heartbeat,
  LogEntry,
  Member,
  MemberStatus,
  QueueItem,
  Resolving,
  RoomSettings,
  VideoState,
  Waiting,
  You,
} from "@/wire/wire.gen";
import { entryOf } from "./log";

const CHAT_KEPT = 200;
const LOG_KEPT = 100;

export interface Replica {
  readonly roomId: string;
  readonly version: number;
  readonly run: string;
  readonly you: You;
  readonly members: Readonly<Record<string, Member>>;
  readonly queue: readonly QueueItem[];
  readonly video: VideoState | null;
  readonly itemId: string | null;
  readonly anchor: Anchor;
  readonly settings: RoomSettings;
  readonly chat: readonly ChatMessage[];
  readonly log: readonly LogEntry[];
  /** The room stands until these can play. It would play otherwise. */
  readonly waiting: Waiting | null;
  /** How members' players are, as far as we were told. */
  readonly statuses: Readonly<Record<string, MemberStatus>>;
  /** How far the resolution of an item is, as far as we were told. */
  readonly stages: Readonly<Record<string, Resolving["stage"]>>;
  /** Something was played here, and now the queue has run out. */
  readonly hasEnded: boolean;
}

/** `gap`: something was missed, and only a snapshot helps. */
export interface Step {
  readonly replica: Replica | null;
  readonly gap: boolean;
}

export function advance(replica: Replica | null, message: ServerMessage): Step {
  if (message.type === "room_state") return { replica: fromSnapshot(message, replica), gap: false };
  if (replica === null) return { replica, gap: false };
  switch (message.type) {
    case "heartbeat":
      return beat(replica, message);
    case "resolving":
      return same({ ...replica, stages: { ...replica.stages, [message.item_id]: message.stage } });
    case "resolve_failed":
      return same({
        ...replica,
        queue: replica.queue.map((item) =>
          item.id === message.item_id
            ? { ...item, status: "failed" as const, code: message.code, message: message.message }
            : item,
        ),
      });
    case "statuses":
      return same({ ...replica, statuses: { ...replica.statuses, ...message.members } });
    case "ack":
    case "reaction":
    case "error":
    case "clock":
    case "ping":
    case "store":
    case "goodbye":
      return same(replica);
    default:
      return event(replica, message);
  }
}

function same(replica: Replica): Step {
  return { replica, gap: false };
}

function fromSnapshot(message: Snapshot, before: Replica | null): Replica {
  const { room } = message;
  return {
    roomId: room.id,
    version: message.version,
    run: message.run,
    you: message.you,
    members: room.members,
    queue: room.queue,
    video: room.current_video,
    itemId: room.current_item_id,
    anchor: {
      position: room.timestamp,
      at: message.starts_at ?? message.server_time,
      rate: room.rate,
      isPlaying: room.is_playing && message.waiting === null,
    },
    settings: room.settings,
    chat: message.chat,
    log: message.log,
    waiting: message.waiting,
    statuses: message.statuses,
    stages: before?.stages ?? {},
    hasEnded: before !== null && before.video !== null && room.current_item_id === null,
  };
}

function beat(replica: Replica, message: Heartbeat): Step {
  if (message.run !== replica.run || message.version !== replica.version) return { replica, gap: true };
  // Not yet begun: a stamp from before the scheduled start says less than the schedule.
  if (message.server_time < replica.anchor.at) return same(replica);
  const anchor: Anchor = {
    position: message.timestamp,
    at: message.server_time,
    rate: message.rate,
    isPlaying: message.is_playing,
  };
  return same({ ...replica, anchor });
}

function event(replica: Replica, message: RoomEvent): Step {
  if (message.run !== replica.run) return { replica, gap: true };
  if (message.version <= replica.version) return same(replica);
  if (message.prev !== replica.version) return { replica, gap: true };
  const entry = entryOf(replica, message);
  const log = entry === null ? replica.log : [...replica.log, entry].slice(-LOG_KEPT);
  return same({ ...apply(replica, message), log, version: message.version });
}

function apply(replica: Replica, message: RoomEvent): Replica {
  const { anchor, members } = replica;
  switch (message.type) {
    case "play":
    case "resumed":
      return moved(replica, { position: message.timestamp, at: message.starts_at, isPlaying: true });
    case "pause":
      return moved(replica, { position: message.timestamp, at: message.starts_at, isPlaying: false });
    case "seek":
      // Whoever seeks ends the waiting, and a room that waited plays on.
      return moved(replica, {
        position: message.timestamp,
        at: message.starts_at,
        isPlaying: anchor.isPlaying || replica.waiting !== null,
      });
    case "waiting":
      return {
        ...replica,
        waiting: message,
        anchor: { ...anchor, position: message.timestamp, at: message.server_time, isPlaying: false },
      };
    case "set_rate":
      return {
        ...replica,
        anchor: { ...anchor, position: message.timestamp, at: message.server_time, rate: message.rate },
      };
    case "set_video":
      return {
        ...replica,
        video: message.video,
        itemId: message.item_id,
        waiting: null,
        anchor: { ...REST, rate: anchor.rate, ...startOf(message) },
        hasEnded: message.item_id === null && (replica.video !== null || replica.hasEnded),
      };
    case "video_renewed":
      return { ...replica, video: message.video };
    case "queue_update":
      return { ...replica, queue: message.queue };
    case "member_joined":
    case "member_updated":
      return { ...replica, members: { ...members, [message.email]: message.member } };
    case "member_left":
      return {
        ...replica,
        members: without(members, message.email),
        statuses: without(replica.statuses, message.email),
      };
    case "unbanned":
      return replica;
    case "settings":
      return { ...replica, settings: message.settings };
    case "chat":
      return { ...replica, chat: [...replica.chat, message.message].slice(-CHAT_KEPT) };
  }
}

function moved(replica: Replica, change: Partial<Anchor>): Replica {
  return { ...replica, waiting: null, anchor: { ...replica.anchor, ...change } };
}

function without<T>(all: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(all).filter(([each]) => each !== id));
}

function startOf(message: Extract<RoomEvent, { type: "set_video" }>): Partial<Anchor> {
  return { position: message.timestamp, at: message.server_time, isPlaying: message.is_playing };
}
