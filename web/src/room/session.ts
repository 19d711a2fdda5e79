/** One visit to one room: puts socket, clock, copy of the room, follower and player together. Requests go up through
 * its methods, state comes down through its stores. */
import { Store } from "@/lib/store";
import { Player } from "@/player/player";
import { RoomClock } from "@/socket/clock";
import { RoomConnection } from "@/socket/connection";
import type { IdentifiedCommand } from "@/socket/outbox";
import { type Cause, Follower } from "@/sync/follower";
import { type Anchor, positionAt, REST } from "@/sync/position";
import type { Command, RoomEvent, ServerMessage } from "@/wire/frames";
import type { QueueItem, Status } from "@/wire/wire.gen";
import { exposeDiagnostics } from "./diagnostics";
import { type Feedback, feedbackOf } from "./feedback";
import { acknowledge, forget, type Guess, guessedAnchor, guessedQueue, prune } from "./guess";
import { MediaKeys } from "./mediaKeys";
import { advance, type Replica } from "./replica";
import { Toasts } from "./toasts";
import { refusalWords } from "./words";

export interface RoomView {
  readonly replica: Replica | null;
  /** The queue as this person expects it. */
  readonly queue: readonly QueueItem[];
  /** The anchor as this person expects it: what the controls show. */
  readonly anchor: Anchor;
}

const TICK_MS = 250;
const STATUS_MS = 5000;
const RESYNC_AGAIN_MS = 3000;
// A snapshot that agrees this well with what we believed moves nothing.
const AGREES_S = 0.5;
// Dates, as live rooms have them, begin here; positions in a file end long before.
const FIRST_DATE = 1e9;

export class RoomSession {
  readonly view = new Store<RoomView>({ replica: null, queue: [], anchor: REST });
  readonly feedback = new Store<Feedback | null>(null);
  readonly toasts = new Toasts();
  readonly clock = new RoomClock(() => performance.now() / 1000);
  readonly connection: RoomConnection;
  readonly player: Player;
  readonly follower = new Follower();
  private readonly tickers = new Set<() => void>();
  private readonly timer: number;
  private readonly withdrawDiagnostics: () => void;
  private readonly mediaKeys: MediaKeys;
  private readonly stopWatching: () => void;
  private guesses: readonly Guess[] = [];
  private flashes = 0;
  private resyncedAt = Number.NEGATIVE_INFINITY;
  private hasTriedHidden = false;
  private endedItem: string | null = null;
  private status: { readonly state: Status["state"]; readonly at: number } | null = null;

  constructor(
    readonly roomId: string,
    name: string,
  ) {
    this.player = new Player({ loaded: () => this.mediaLoaded(), ended: () => this.mediaEnded() });
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const address = `${scheme}//${location.host}/ws/${encodeURIComponent(roomId)}?name=${encodeURIComponent(name)}`;
    this.connection = new RoomConnection(address, this.clock, {
      message: (message) => this.take(message),
      refused: (command, code, message) => this.refused(command, code, message),
      expired: (command) => this.expired(command),
    });
    this.stopWatching = this.connection.state.subscribe(() => this.connectionChanged());
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", this.seen);
    this.mediaKeys = new MediaKeys(this);
    this.withdrawDiagnostics = exposeDiagnostics(this);
  }

  /** Where the room is, as this person sees it; seconds. */
  position(): number {
    const now = this.clock.now();
    const { anchor } = this.view.get();
    return now === null ? anchor.position : positionAt(anchor, now, this.duration());
  }

  duration(): number | null {
    const video = this.view.get().replica?.video;
    if (video?.is_live) return null;
    return this.player.view.duration ?? video?.duration ?? null;
  }

  /** How far the picture is ahead of the room, in seconds. */
  drift(): number | null {
    const now = this.clock.now();
    return now === null ? null : this.follower.drift(now, this.player.view);
  }

  /** Calls back four times a second. */
  onTick(callback: () => void): () => void {
    this.tickers.add(callback);
    return () => this.tickers.delete(callback);
  }

  togglePlay(): void {
    if (this.view.get().anchor.isPlaying) this.pause();
    else this.play();
  }

  play(): void {
    const timestamp = this.position();
    this.guessAnchor({ type: "play", timestamp }, { position: timestamp, isPlaying: true });
    this.flash({ kind: "play", text: "" });
  }

  pause(): void {
    const timestamp = this.position();
    this.guessAnchor({ type: "pause", timestamp }, { position: timestamp, isPlaying: false });
    this.flash({ kind: "pause", text: "" });
    this.tick();
  }

  seek(position: number): void {
    const timestamp = Math.min(Math.max(0, position), this.duration() ?? Number.POSITIVE_INFINITY);
    this.guessAnchor({ type: "seek", timestamp }, { position: timestamp });
  }

  skip(seconds: number): void {
    this.seek(this.position() + seconds);
    this.flash({ kind: seconds < 0 ? "back" : "forward", text: `${Math.abs(seconds)} s` });
  }

  setRate(rate: number): void {
    this.guessAnchor({ type: "set_rate", rate }, { position: this.position(), rate });
  }

  add(url: string): void {
    this.connection.command({ type: "queue_add", url });
  }

  remove(item: QueueItem): void {
    const order = this.view.get().queue.map((each) => each.id);
    this.guess({ removed: item.id }, { type: "queue_remove", item_id: item.id });
    this.toasts.show("Removed from the queue", {
      action: { label: "Undo", run: () => this.putBack(item, order) },
    });
  }

  reorder(order: readonly string[]): void {
    this.guess({ order }, { type: "queue_reorder", queue: [...order] });
  }

  playNow(item: QueueItem): void {
    this.connection.command({ type: "queue_play", item_id: item.id });
  }

  retry(item: QueueItem): void {
    this.connection.command({ type: "queue_retry", item_id: item.id });
  }

  rename(name: string): void {
    this.connection.command({ type: "rename", name });
  }

  reloadMedia(): void {
    this.player.retry(this.position());
  }

  nameOf(memberId: string): string {
    const { replica } = this.view.get();
    if (replica !== null && memberId === replica.you.id) return "You";
    return replica?.members[memberId]?.name ?? "Somebody";
  }

  destroy(): void {
    window.clearInterval(this.timer);
    this.stopWatching();
    document.removeEventListener("visibilitychange", this.seen);
    this.withdrawDiagnostics();
    this.mediaKeys.destroy();
    this.connection.destroy();
    this.player.destroy();
    this.toasts.destroy();
    this.tickers.clear();
  }

  private take(message: ServerMessage): void {
    const before = this.view.get().replica;
    const expected = this.position();
    const { replica, gap } = advance(before, message);
    if (gap) this.resync(before);
    if (replica === null) return;
    if (message.type === "ack") this.guesses = acknowledge(this.guesses, message.id, message.version);
    if (message.type === "room_state" && before !== null && message.run !== before.run) {
      this.connection.newRun(message.version, message.server_time);
    }
    this.guesses = prune(this.guesses, replica.version);
    if (message.type === "queue_update") this.finishPuttingBack(replica.queue);
    this.show(replica);
    if (replica === before) return;
    this.followRoom(before, replica, message);
    if ("prev" in message && "by" in message && message.by !== replica.you.id && message.by !== "") {
      this.flash(feedbackOf(message as RoomEvent, this.nameOf(message.by), expected));
    }
  }

  private followRoom(before: Replica | null, replica: Replica, message: ServerMessage): void {
    const { anchor, video } = replica;
    this.player.setDated(video?.is_live === true && anchor.position > FIRST_DATE);
    this.player.load(video, anchor.position);
    if (anchor === before?.anchor) return;
    const cause = causeOf(message, before, replica);
    if (cause !== "beat") this.endedItem = null;
    this.follower.follow(anchor, cause);
    this.tick(message.type === "heartbeat");
  }

  private show(replica: Replica): void {
    this.view.patch({
      replica,
      queue: guessedQueue(replica.queue, this.guesses),
      anchor: guessedAnchor(replica.anchor, this.guesses),
    });
  }

  private guess(effect: Omit<Guess, "id" | "version">, command: Command): void {
    const id = this.connection.command(command);
    this.guesses = [...this.guesses, { ...effect, id, version: null }];
    const { replica } = this.view.get();
    if (replica !== null) this.show(replica);
  }

  private guessAnchor(command: Command, change: Partial<Anchor>): void {
    const at = this.clock.now();
    if (at === null || this.view.get().replica?.video == null) return;
    this.guess({ anchor: { ...this.view.get().anchor, ...change, at } }, command);
    for (const ticker of this.tickers) ticker();
  }

  private dropGuess(command: IdentifiedCommand): void {
    this.guesses = forget(this.guesses, command.id);
    const { replica } = this.view.get();
    if (replica !== null) this.show(replica);
  }

  private refused(command: IdentifiedCommand | null, code: string, message: string): void {
    if (command !== null) this.dropGuess(command);
    // Everybody says that it is over; the room heard somebody else first.
    if (command?.type === "ended") return;
    this.toasts.show(refusalWords(code, message), { tone: "problem" });
  }

  private expired(command: IdentifiedCommand): void {
    this.dropGuess(command);
    if (command.type !== "ended") {
      this.toasts.show("That did not reach the room. Try again when the connection is back.", { tone: "problem" });
    }
  }

  private resync(replica: Replica | null): void {
    const now = performance.now();
    if (now - this.resyncedAt < RESYNC_AGAIN_MS) return;
    this.resyncedAt = now;
    this.connection.send({ type: "resync", version: replica?.version ?? null });
  }

  private tick(isBeat = false): void {
    const now = this.clock.now();
    this.player.tick();
    if (now !== null && this.mayMove()) {
      const orders = this.follower.tick(now, this.player.view, isBeat);
      const { replica, anchor } = this.view.get();
      // Pressing pause stops this picture at once; the room's answer says where.
      const isHeld = replica?.anchor.isPlaying === true && !anchor.isPlaying;
      this.player.obey(isHeld ? { ...orders, play: false, seekTo: null } : orders);
    }
    this.report();
    for (const ticker of this.tickers) ticker();
  }

  /** Browsers stop hidden pictures: one `play` is tried, then it waits to be seen again. */
  private mayMove(): boolean {
    if (document.visibilityState === "visible" || !this.player.view.isPaused) return true;
    if (this.hasTriedHidden) return false;
    this.hasTriedHidden = this.view.get().anchor.isPlaying;
    return true;
  }

  private readonly seen = (): void => {
    if (document.visibilityState === "visible") {
      this.hasTriedHidden = false;
      this.player.wake();
      this.follower.jump();
    }
    this.tick();
  };

  /** A lost line lets the picture play on; a closed door does not. */
  private connectionChanged(): void {
    if (this.connection.state.get().kind === "ended") this.player.load(null, 0);
  }

  private mediaLoaded(): void {
    this.follower.jump();
    this.tick();
  }

  private mediaEnded(): void {
    const itemId = this.view.get().replica?.itemId ?? null;
    if (itemId === null || itemId === this.endedItem) return;
    this.endedItem = itemId;
    this.connection.command({ type: "ended", item_id: itemId });
  }

  private report(): void {
    const now = performance.now();
    const state = this.statusState();
    if (this.connection.state.get().kind !== "open") return;
    if (this.status !== null && this.status.state === state && now - this.status.at < STATUS_MS) return;
    this.status = { state, at: now };
    this.connection.send({
      type: "status",
      state,
      position: this.player.view.position,
      drift: this.drift(),
      buffered: this.player.ahead,
    });
  }

  private statusState(): Status["state"] {
    if (document.visibilityState === "hidden") return "hidden";
    const { phase, isBuffering } = this.player.state.get();
    if (phase === "failed") return "stalled";
    return isBuffering || phase === "loading" ? "buffering" : "ready";
  }

  private flash(feedback: Omit<Feedback, "key"> | null): void {
    if (feedback === null) return;
    this.flashes += 1;
    this.feedback.set({ ...feedback, key: this.flashes });
  }

  private back: {
    readonly url: string;
    readonly known: ReadonlySet<string>;
    readonly order: readonly string[];
    readonly id: string;
  } | null = null;

  /** A removed item comes back as a new one, and is then moved to where it was. */
  private putBack(item: QueueItem, order: readonly string[]): void {
    const known = new Set(this.view.get().replica?.queue.map((each) => each.id));
    this.back = { url: item.url, known, order, id: item.id };
    this.add(item.url);
  }

  private finishPuttingBack(queue: readonly QueueItem[]): void {
    const { back } = this;
    if (back === null) return;
    const item = queue.find((each) => each.url === back.url && !back.known.has(each.id));
    if (item === undefined) return;
    this.back = null;
    const present = new Set(queue.map((each) => each.id));
    const order = back.order.map((id) => (id === back.id ? item.id : id)).filter((id) => present.has(id));
    this.reorder(order);
  }
}

function causeOf(message: ServerMessage, before: Replica | null, replica: Replica): Cause {
  switch (message.type) {
    case "play":
      return "start";
    case "pause":
      return "stop";
    case "seek":
    case "set_video":
      return "jump";
    case "room_state":
      return before !== null && agrees(before.anchor, replica.anchor) ? "beat" : "jump";
    default:
      return "beat";
  }
}

function agrees(before: Anchor, after: Anchor): boolean {
  const isSame = before.isPlaying === after.isPlaying && before.rate === after.rate;
  return isSame && Math.abs(positionAt(before, after.at, null) - after.position) < AGREES_S;
}
