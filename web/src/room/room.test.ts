import { describe, expect, it } from "vitest";
import { guessedAnchor } from "@/room/guess";
import type { RoomEvent, ServerMessage, Snapshot } from "@/wire/frames";
import type { LogEntry, QueueItem, RoomSettings, Waiting } from "@/wire/wire.gen";
import { feedbackOf } from "./feedback";
import { acknowledge, forget, type Guess, guessedQueue, prune } from "./guess";
import { canUndo, entryOf, entryWords } from "./log";
import { advance, type Replica } from "./replica";
import { mayManage, objection, type Role, rolesToGive } from "./rights";
import { timeline } from "./timeline";

const item = (id: string): QueueItem => ({
  id,
  url: `https://example.org/${id}`,
  title: id,
  thumbnail: "",
  duration: 0,
  added_by: "guest-ana",
  added_at: 0,
  status: "ready",
  code: null,
  message: null,
  votes: [],
  lenders: [],
  opened_with: "",
  attempts: [],
});

const ana = { name: "Ana", is_guest: true, joined_at: 1, role: "owner" } as const;

const snapshot: Snapshot = {
  type: "room_state",
  version: 10,
  run: "r1",
  server_time: 1000,
  you: { id: "guest-ana", name: "Ana", role: "owner", is_guest: true },
  room: {
    id: "night",
    version: 10,
    members: { "guest-ana": ana },
    queue: [item("a"), item("b"), item("c")],
    current_video: null,
    current_item_id: "a",
    is_playing: true,
    timestamp: 12,
    rate: 1,
    last_active: 999,
    settings: {
      buffering: "never",
      tight_sync: false,
      is_locked: false,
      is_unlisted: false,
      has_password: false,
      permissions: { playback: "member", queue: "member", chat: "viewer", settings: "moderator" },
    },
  },
  chat: [],
  log: [],
  waiting: null,
  starts_at: null,
  statuses: {},
};

const replica = advance(null, snapshot).replica as Replica;
const left = { reason: "left", by: "", name: "" } as const;
const stamp = { version: 11, prev: 10, run: "r1", server_time: 1002 };

describe("the copy of the room", () => {
  it("begins with a snapshot, and with nothing else", () => {
    expect(advance(null, { type: "member_left", ...left, ...stamp, email: "x" })).toEqual({
      replica: null,
      gap: false,
    });
    expect(replica.anchor).toEqual({ position: 12, at: 1000, rate: 1, isPlaying: true });
  });

  it("takes an event that follows its version", () => {
    const { replica: next, gap } = advance(replica, {
      type: "pause",
      ...stamp,
      timestamp: 14,
      by: "x",
      starts_at: 1002.2,
    });
    expect(gap).toBe(false);
    expect(next?.version).toBe(11);
    expect(next?.anchor).toEqual({ position: 14, at: 1002.2, rate: 1, isPlaying: false });
  });

  it("sees a gap when the event before was missed, and takes nothing", () => {
    const step = advance(replica, {
      type: "member_left",
      ...left,
      ...stamp,
      version: 12,
      prev: 11,
      email: "guest-ana",
    });
    expect(step).toEqual({ replica, gap: true });
  });

  it("ignores what it has had already", () => {
    const step = advance(replica, { type: "member_left", ...left, ...stamp, version: 10, prev: 9, email: "guest-ana" });
    expect(step).toEqual({ replica, gap: false });
  });

  it("sees a gap in another history, whatever its versions say", () => {
    expect(advance(replica, { type: "member_left", ...left, ...stamp, run: "r2", email: "x" }).gap).toBe(true);
  });

  it.each([
    ["a later version", { version: 11 }],
    ["an earlier version", { version: 9 }],
    ["another history", { run: "r2" }],
  ])("sees a gap when a heartbeat has %s", (_what, change) => {
    const beat: ServerMessage = {
      type: "heartbeat",
      timestamp: 14,
      is_playing: true,
      server_time: 1002,
      version: 10,
      run: "r1",
      rate: 1,
      ...change,
    };
    expect(advance(replica, beat).gap).toBe(true);
  });

  it("keeps a scheduled start when a heartbeat from before it comes", () => {
    const started = advance(replica, { type: "play", ...stamp, timestamp: 20, by: "x", starts_at: 1002.5 }).replica;
    const beat = {
      type: "heartbeat",
      timestamp: 20,
      is_playing: true,
      server_time: 1002.1,
      version: 11,
      run: "r1",
      rate: 1,
    } as const;
    expect(advance(started, beat).replica?.anchor.at).toBe(1002.5);
    expect(advance(started, { ...beat, server_time: 1004, timestamp: 21.5 }).replica?.anchor.at).toBe(1004);
  });

  it("knows the end from a beginning: only what played can be over", () => {
    expect(replica.hasEnded).toBe(false);
    const video = {
      type: "set_video",
      ...stamp,
      video: null,
      item_id: null,
      is_playing: false,
      timestamp: 0,
      by: "",
    } as const;
    expect(advance(replica, video).replica?.hasEnded).toBe(false);
    const playing = { ...replica, video: { title: "x" } as Replica["video"] };
    expect(advance(playing, video).replica?.hasEnded).toBe(true);
  });

  it("writes down why an item failed, and how far another is", () => {
    const failed = advance(replica, { type: "resolve_failed", item_id: "b", code: "drm", message: "No." }).replica;
    expect(failed?.queue[1]).toMatchObject({ status: "failed", code: "drm", message: "No." });
    const staged = advance(replica, {
      type: "resolving",
      item_id: "c",
      stage: "reading",
      retry_after_ms: null,
    }).replica;
    expect(staged?.stages).toEqual({ c: "reading" });
    expect(staged?.version).toBe(10);
  });

  it("adds, renames and drops members", () => {
    const ben = { ...ana, name: "Ben", role: "member" } as const;
    const joined = advance(replica, { type: "member_joined", ...stamp, email: "guest-ben", member: ben }).replica;
    expect(Object.keys(joined?.members ?? {})).toEqual(["guest-ana", "guest-ben"]);
    const gone = advance(joined ?? null, {
      type: "member_left",
      ...left,
      ...stamp,
      version: 12,
      prev: 11,
      email: "guest-ana",
    });
    expect(Object.keys(gone.replica?.members ?? {})).toEqual(["guest-ben"]);
  });
});

describe("guesses", () => {
  const anchor = { position: 5, at: 1003, rate: 1, isPlaying: false };
  const guess: Guess = { id: "c1", version: null, anchor };

  it("show at once, the newest first", () => {
    const later: Guess = { id: "c2", version: null, anchor: { ...anchor, isPlaying: true } };
    expect(guessedAnchor(replica.anchor, [])).toBe(replica.anchor);
    expect(guessedAnchor(replica.anchor, [guess, later]).isPlaying).toBe(true);
  });

  it("go when the copy has the version that the room answered with, in either order", () => {
    expect(prune([guess], 99)).toHaveLength(1);
    const answered = acknowledge([guess], "c1", 12);
    expect(prune(answered, 11)).toHaveLength(1);
    expect(prune(answered, 12)).toHaveLength(0);
  });

  it("go when they are refused", () => {
    expect(forget([guess], "c1")).toEqual([]);
  });

  it("reorder the queue, keeping items that came meanwhile at the end", () => {
    const order = guessedQueue(replica.queue, [{ id: "x", version: null, order: ["c", "a"] }], "guest-ana");
    expect(order.map((each) => each.id)).toEqual(["c", "a", "b"]);
  });

  it("remove from the queue", () => {
    const left = guessedQueue(replica.queue, [{ id: "x", version: null, removed: "b" }], "guest-ana");
    expect(left.map((each) => each.id)).toEqual(["a", "c"]);
  });
});

describe("waiting for somebody", () => {
  const waiting: Waiting = { type: "waiting", ...stamp, members: ["guest-ben"], timestamp: 14, until: 1012 };
  const held = advance(replica, waiting).replica as Replica;
  const next = { ...stamp, version: 12, prev: 11 };

  it("stands the room at the position", () => {
    expect(held.anchor).toEqual({ position: 14, at: 1002, rate: 1, isPlaying: false });
    expect(held.waiting?.members).toEqual(["guest-ben"]);
  });

  it("ends with the scheduled resumption", () => {
    const resumed = advance(held, { type: "resumed", ...next, timestamp: 14, starts_at: 1003.2, excused: [] }).replica;
    expect(resumed?.anchor).toEqual({ position: 14, at: 1003.2, rate: 1, isPlaying: true });
    expect(resumed?.waiting).toBeNull();
  });

  it("ends with a seek, and the room plays on from there", () => {
    const sought = advance(held, { type: "seek", ...next, timestamp: 40, by: "x", starts_at: 1003 }).replica;
    expect(sought?.anchor).toMatchObject({ position: 40, isPlaying: true });
    expect(sought?.waiting).toBeNull();
  });

  it("ends with a pause, and the room stands", () => {
    const stopped = advance(held, { type: "pause", ...next, timestamp: 14, by: "x", starts_at: 1003 }).replica;
    expect(stopped?.anchor.isPlaying).toBe(false);
    expect(stopped?.waiting).toBeNull();
  });

  it("says in a snapshot when it begins, if that is to come", () => {
    const { replica: early } = advance(null, { ...snapshot, starts_at: 1000.4 });
    expect(early?.anchor).toMatchObject({ position: 12, at: 1000.4 });
  });

  it("is in a snapshot, too", () => {
    const { replica: joined } = advance(null, { ...snapshot, waiting });
    expect(joined?.anchor.isPlaying).toBe(false);
    expect(joined?.waiting).toBe(waiting);
  });
});

describe("the log", () => {
  const named = (event: RoomEvent) => {
    const entry = entryOf({ ...replica, members: { "guest-ana": ana } }, event);
    return entry === null ? null : entryWords(entry, entry.name || "Somebody", () => null);
  };
  const by = "guest-ana";

  it("says what people did", () => {
    expect(named({ type: "seek", ...stamp, timestamp: 760, by, starts_at: 0 })).toBe("Ana jumped to 12:40");
    expect(named({ type: "queue_update", ...stamp, queue: [item("a"), item("c")], by })).toBe("Ana removed b");
    const longer = [...replica.queue, { ...item("d"), title: "https://example.org/d" }];
    expect(named({ type: "queue_update", ...stamp, queue: longer, by })).toBe("Ana added example.org/d");
    const kicked = { type: "member_left", ...stamp, email: "guest-ana", reason: "kicked", by, name: "Ana" } as const;
    expect(named(kicked)).toBe("Ana sent Ana out");
    expect(named({ ...kicked, email: "guest-ben", name: "Ben" })).toBe("Ana sent Ben out");
    const unbanned = { type: "unbanned", ...stamp, ban: "4c1a09f2b7de", name: "Ben", by } as const;
    expect(named(unbanned)).toBe("Ana let Ben in again");
    expect(named({ ...unbanned, name: "" })).toBe("Ana let somebody in again");
  });

  it("says nothing of what the room did by itself, nor of a new order", () => {
    expect(named({ type: "pause", ...stamp, timestamp: 1, by: "", starts_at: 0 })).toBeNull();
    expect(named({ type: "queue_update", ...stamp, queue: [...replica.queue].reverse(), by })).toBeNull();
    expect(named({ type: "member_left", ...stamp, ...left, email: by })).toBeNull();
  });

  it("lets a seek be undone for two minutes, by the version of its event", () => {
    const entry = entryOf(replica, { type: "seek", ...stamp, timestamp: 1, by, starts_at: 0 }) as LogEntry;
    expect(entry.version).toBe(11);
    expect(canUndo(entry, 1002 + 119)).toBe(true);
    expect(canUndo(entry, 1002 + 121)).toBe(false);
    expect(canUndo(entry, null)).toBe(true);
    const stop = entryOf(replica, { type: "pause", ...stamp, timestamp: 1, by, starts_at: 0 }) as LogEntry;
    expect(canUndo(stop, 1003)).toBe(false);
  });

  it("comes to the copy with the event", () => {
    const { replica: sought } = advance(replica, { type: "seek", ...stamp, timestamp: 1, by, starts_at: 0 });
    expect(sought?.log.map((entry) => entry.kind)).toEqual(["seek"]);
  });
});

describe("what was said and done", () => {
  const say = (id: string, by: string, at: number) => ({ id, by, name: by, text: id, at });
  const did = (version: number, kind: LogEntry["kind"], at: number): LogEntry => {
    return { version, kind, at, by: "x", name: "x", timestamp: null, title: null, is_undoable: false };
  };

  it("is in the order of time, grouped by author", () => {
    const moments = timeline([say("1", "a", 10), say("2", "a", 20), say("3", "b", 30)], [did(5, "pause", 25)], [], "a");
    expect(moments.map((each) => (each.kind === "said" ? each.lines.map(({ text }) => text) : each.key))).toEqual([
      ["1", "2"],
      "v5",
      ["3"],
    ]);
  });

  it("begins a new group after a while, and puts what is on its way last", () => {
    const moments = timeline([say("1", "a", 10), say("2", "a", 500)], [], [{ id: "p", text: "p", at: 501 }], "a");
    expect(moments).toHaveLength(2);
    expect(moments[1]).toMatchObject({ lines: [{ isPending: false }, { isPending: true }] });
  });

  it("keeps the last of many seeks, and no first play beside its adding", () => {
    const log = [did(1, "seek", 10), did(2, "seek", 12), did(3, "queue_add", 20), did(4, "queue_play", 20)];
    expect(timeline([], log, [], "a").map((each) => each.key)).toEqual(["v2", "v3"]);
  });
});

describe("rights", () => {
  const as = (role: Role, change: Partial<RoomSettings["permissions"]> = {}): Replica => ({
    ...replica,
    members: {
      "guest-ana": { ...ana, role },
      "guest-ben": { ...ana, role: "member" },
      "guest-cleo": { ...ana, role: "moderator" },
    },
    settings: { ...replica.settings, permissions: { ...replica.settings.permissions, ...change } },
  });

  it("follow the room's settings and the member's role of now", () => {
    expect(objection(as("viewer"), "playback")).toBe("Only members may control playback");
    expect(objection(as("viewer"), "chat")).toBeNull();
    expect(objection(as("member", { playback: "moderator" }), "playback")).toContain("moderators");
    expect(objection(as("owner", { playback: "owner" }), "playback")).toBeNull();
  });

  it("let moderators manage those below them, and nobody else", () => {
    expect(mayManage(as("member"), "guest-ben")).toBe(false);
    expect(mayManage(as("moderator"), "guest-ben")).toBe(true);
    expect(mayManage(as("moderator"), "guest-cleo")).toBe(false);
    expect(mayManage(as("owner"), "guest-cleo")).toBe(true);
    expect(mayManage(as("owner"), "guest-ana")).toBe(false);
  });

  it("let nobody give a role as high as their own", () => {
    expect(rolesToGive(as("moderator"), "guest-ben")).toEqual(["viewer"]);
    expect(rolesToGive(as("owner"), "guest-ben")).toEqual(["moderator", "viewer"]);
  });
});

describe("votes", () => {
  it("show at once, and are taken back by voting again", () => {
    const guess: Guess = { id: "x", version: null, voted: "b" };
    const voted = guessedQueue(replica.queue, [guess], "guest-ana");
    expect(voted[1]?.votes).toEqual(["guest-ana"]);
    expect(guessedQueue(voted, [guess], "guest-ana")[1]?.votes).toEqual([]);
  });
});

describe("who did that", () => {
  it("is said of playing, and of which way a seek went", () => {
    expect(feedbackOf({ type: "pause", ...stamp, timestamp: 1, by: "x", starts_at: 0 }, "Ana", 5)?.text).toBe(
      "Ana paused",
    );
    expect(feedbackOf({ type: "seek", ...stamp, timestamp: 1, by: "x", starts_at: 0 }, "Ana", 5)?.kind).toBe("back");
    expect(feedbackOf({ type: "seek", ...stamp, timestamp: 9, by: "x", starts_at: 0 }, "Ana", 5)?.kind).toBe("forward");
    expect(feedbackOf({ type: "member_left", ...left, ...stamp, email: "x" }, "Ana", 5)).toBeNull();
  });
});
