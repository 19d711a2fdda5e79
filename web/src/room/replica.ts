/** This page's copy of the room, moved on by the server's events. Pure. */
import { type Anchor, REST } from "@/sync/position";
import type { RoomEvent, ServerMessage, Snapshot } from "@/wire/frames";
import type { Heartbeat, Member, QueueItem, Resolving, VideoState, You } from "@/wire/wire.gen";

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
    case "ack":
    case "error":
    case "clock":
    case "ping":
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
      at: message.server_time,
      rate: room.rate,
      isPlaying: room.is_playing,
    },
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
  return same({ ...apply(replica, message), version: message.version });
}

function apply(replica: Replica, message: RoomEvent): Replica {
  const { anchor, members } = replica;
  switch (message.type) {
    case "play":
      return { ...replica, anchor: { ...anchor, position: message.timestamp, at: message.starts_at, isPlaying: true } };
    case "pause":
      return {
        ...replica,
        anchor: { ...anchor, position: message.timestamp, at: message.starts_at, isPlaying: false },
      };
    case "seek":
      return { ...replica, anchor: { ...anchor, position: message.timestamp, at: message.starts_at } };
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
        anchor: { ...REST, rate: anchor.rate, ...startOf(message) },
        hasEnded: message.item_id === null && (replica.video !== null || replica.hasEnded),
      };
    case "queue_update":
      return { ...replica, queue: message.queue };
    case "member_joined":
    case "member_updated":
      return { ...replica, members: { ...members, [message.email]: message.member } };
    case "member_left":
      return {
        ...replica,
        members: Object.fromEntries(Object.entries(members).filter(([id]) => id !== message.email)),
      };
  }
}

function startOf(message: Extract<RoomEvent, { type: "set_video" }>): Partial<Anchor> {
  return { position: message.timestamp, at: message.server_time, isPlaying: message.is_playing };
}
