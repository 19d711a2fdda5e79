/** One visit to one room: puts socket, clock, copy of the room and player together. Requests go up through its methods,
 * state comes down through its stores. */
import { bases } from "@/lib/bases";
import { Store } from "@/lib/store";
import { Library } from "@/library/library";
import type { Player } from "@/player/player";
import { RoomClock } from "@/socket/clock";
import { RoomConnection } from "@/socket/connection";
import type { IdentifiedCommand } from "@/socket/outbox";
import { countsAsLive, hasPast, type LiveWindow, livePoint, offered } from "@/sync/live";
import type { Anchor } from "@/sync/position";
import { t } from "@/text";
import type { Command, RoomEvent, ServerMessage } from "@/wire/frames";
import type { SetSettings } from "@/wire/wire.gen";
import { Bans } from "./bans";
import { exposeDiagnostics } from "./diagnostics";
import { type Feedback, feedbackOf } from "./feedback";
import { acknowledge, type Effect, forget, type Guess, guessedAnchor, guessedQueue, prune } from "./guess";
import { MediaKeys } from "./mediaKeys";
import { NativeControls } from "./nativeControls";
import { Pace } from "./pace";
import { Playback } from "./playback";
import { QueueWishes } from "./queue";
import { Regrets } from "./regrets";
import { advance, type Replica } from "./replica";
import { objection, type Permission, type Role } from "./rights";
import { SignIns, siteFor } from "./signIns";
import { Talk } from "./talk";
import { Toasts } from "./toasts";
import { NOTHING, type RoomView } from "./view";
import { WakeLock } from "./wakeLock";
import { refusalWords } from "./words";

const RESYNC_AGAIN_MS = 3000;
/** A key that is held down repeats itself 30 times a second; so often it is said to the room. */
const SEEK_EVERY_MS = 200;
/** The guess of a seek that is not said yet. */
const UNSAID = "unsaid";

export class RoomSession {
  readonly view = new Store<RoomView>(NOTHING);
  readonly feedback = new Store<Feedback | null>(null);
  /** The server can't reach what the room is kept in: what plays plays on, and nothing can be changed. */
  readonly isStoreAway = new Store(false);
  readonly toasts = new Toasts();
  readonly talk = new Talk();
  readonly queue: QueueWishes;
  readonly library = new Library();
  readonly bans: Bans;
  readonly signIns = new SignIns((item) => this.queue.retry(item, true));
  readonly clock = new RoomClock(() => performance.now() / 1000);
  readonly connection: RoomConnection;
  readonly playback: Playback;
  private readonly withdrawDiagnostics: () => void;
  private readonly mediaKeys: MediaKeys;
  private readonly nativeControls: NativeControls;
  private readonly wakeLock = new WakeLock();
  private readonly stopWatching: () => void;
  private readonly stopMoving: () => void;
  private guesses: readonly Guess[] = [];
  private flashes = 0;
  private resyncedAt = Number.NEGATIVE_INFINITY;
  private readonly regrets: Regrets;
  private readonly pace = new Pace(SEEK_EVERY_MS);

  constructor(
    readonly roomId: string,
    name: string,
  ) {
    this.connection = new RoomConnection({ id: roomId, name }, bases, this.clock, {
      message: (message) => this.take(message),
      refused: (command, code, message) => this.refused(command, code, message),
      expired: (command) => this.expired(command),
    });
    // After the connection, whose listeners forget a clock that slept before this one relies on it.
    this.playback = new Playback(this.view, this.clock, {
      isOpen: () => this.connection.state.get().kind === "open",
      send: (message) => this.connection.send(message),
      ended: (itemId) => this.connection.command({ type: "ended", item_id: itemId }),
    });
    this.bans = new Bans(roomId, (ban) => this.connection.command({ type: "unban", ban }));
    this.regrets = new Regrets((version) => this.undo(version));
    this.queue = new QueueWishes(this.view, this.toasts, this.regrets, {
      objects: (permission) => this.objects(permission),
      command: (command) => this.connection.command(command),
      guess: (effect, command) => this.guess(effect, command),
      signInFor: (url) => siteFor(url, this.signIns.view.get().sites ?? []),
    });
    this.stopWatching = this.connection.state.subscribe(() => this.connectionChanged());
    this.stopMoving = bases.current.subscribe(() => this.moved());
    this.mediaKeys = new MediaKeys(this);
    this.nativeControls = new NativeControls(this.player.element, {
      view: () => this.player.view,
      orders: () => this.player.orders,
      position: () => this.position(),
      leave: (isLeft) => this.player.leave(isLeft),
      play: () => this.play(),
      pause: () => this.pause(),
      seek: (position) => this.seek(position),
    });
    this.playback.onTick(() => {
      const { replica, anchor } = this.view.get();
      this.wakeLock.want(anchor.isPlaying && replica?.video != null);
    });
    this.withdrawDiagnostics = exposeDiagnostics(this);
    this.connection.begin();
  }

  get player(): Player {
    return this.playback.player;
  }

  /** Where the room is, as this person sees it; seconds. */
  position(): number {
    return this.playback.position();
  }

  duration(): number | null {
    return this.playback.duration();
  }

  /** How far the picture is ahead of the room, in seconds. */
  drift(): number | null {
    return this.playback.drift();
  }

  /** Calls back four times a second. */
  onTick(callback: () => void): () => void {
    return this.playback.onTick(callback);
  }

  togglePlay(): void {
    const { anchor, waiting } = this.view.get();
    if (anchor.isPlaying || waiting !== null) this.pause();
    else this.play();
  }

  play(): void {
    if (this.objects("playback")) return;
    const timestamp = this.position();
    this.guessAnchor({ type: "play", timestamp }, { position: timestamp, isPlaying: true });
    this.flash({ kind: "play", text: "" });
  }

  pause(): void {
    if (this.objects("playback")) return;
    const timestamp = this.position();
    this.guessAnchor({ type: "pause", timestamp }, { position: timestamp, isPlaying: false });
    this.flash({ kind: "pause", text: "" });
    this.playback.tick();
  }

  seek(position: number): void {
    if (this.objects("playback")) return;
    const { window } = this.player;
    if (this.view.get().replica?.video?.is_live && window === null) {
      this.toasts.show(t.notices.liveOnly);
      return;
    }
    const most = this.duration() ?? Number.POSITIVE_INFINITY;
    const timestamp = window === null ? Math.min(Math.max(0, position), most) : offered(position, window);
    const say = () => this.guessAnchor({ type: "seek", timestamp }, { position: timestamp });
    if (!this.pace.run(say)) this.expect(timestamp);
  }

  skip(seconds: number): void {
    if (this.objects("playback")) return;
    this.seek(this.position() + seconds);
    this.flash({ kind: seconds < 0 ? "back" : "forward", text: `${Math.abs(seconds)} s` });
  }

  /** What a live stream offers to go back in, in dates; null where that is nothing. */
  get past(): LiveWindow | null {
    const { window } = this.playback;
    return window === null || !hasPast(window) ? null : window;
  }

  /** How far the room is behind those who watch a live stream live, in seconds; null where it is not behind. */
  behindLive(): number | null {
    const { window } = this.playback;
    if (window === null) return null;
    const behind = livePoint(window) - this.position();
    return countsAsLive(behind, window) ? null : behind;
  }

  goLive(): void {
    const { window } = this.player;
    if (window !== null) this.seek(livePoint(window));
  }

  /** Goes to a share of all that can be watched. */
  seekShare(share: number): void {
    const { past } = this;
    const duration = this.duration();
    if (past !== null) this.seek(past.start + share * (livePoint(past) - past.start));
    else if (duration !== null) this.seek(duration * share);
  }

  setRate(rate: number): void {
    if (this.objects("playback")) return;
    this.guessAnchor({ type: "set_rate", rate }, { position: this.position(), rate });
    this.flash({ kind: "rate", text: `${rate}×` });
  }

  rename(name: string): void {
    this.connection.command({ type: "rename", name });
  }

  say(text: string): void {
    if (this.objects("chat")) return;
    const id = this.connection.command({ type: "chat", text });
    this.talk.said({ id, text, at: this.clock.now() ?? Date.now() / 1000 });
  }

  react(emoji: string): void {
    if (this.objects("chat")) return;
    this.connection.command({ type: "react", emoji });
    this.talk.float(emoji, t.names.you);
  }

  undo(version: number): void {
    this.connection.command({ type: "undo", version });
  }

  setRole(member: string, role: Role): void {
    this.connection.command({ type: "set_role", member, role });
  }

  kick(member: string): void {
    this.connection.command({ type: "kick", member });
  }

  ban(member: string, address: boolean): void {
    this.connection.command({ type: "ban", member, address });
  }

  changeSettings(change: Omit<SetSettings, "type" | "id">): void {
    this.connection.command({ type: "set_settings", ...change });
  }

  /** Shows for a moment what was done. */
  flash(feedback: Omit<Feedback, "key"> | null): void {
    if (feedback === null) return;
    this.flashes += 1;
    this.feedback.set({ ...feedback, key: this.flashes });
  }

  reloadMedia(): void {
    this.player.retry(this.position());
  }

  /** What this person calls somebody at the beginning of a sentence; `remembered` for who is not here any more. */
  nameOf(memberId: string, remembered = ""): string {
    const { replica } = this.view.get();
    if (replica !== null && memberId === replica.you.id) return t.names.you;
    return replica?.members[memberId]?.name ?? (remembered || t.names.somebody);
  }

  /** The same within a sentence. */
  nameAmong(memberId: string, remembered = ""): string {
    return memberId === this.view.get().replica?.you.id ? t.names.youAmong : this.nameOf(memberId, remembered);
  }

  /** The title of a queued link, once it has one. */
  titleOf(link: string): string | null {
    const item = this.view.get().queue.find((each) => each.url === link && each.status === "ready");
    return item?.title ?? null;
  }

  ownName(): string {
    const { replica } = this.view.get();
    return replica?.members[replica.you.id]?.name ?? replica?.you.name ?? "";
  }

  destroy(): void {
    this.stopWatching();
    this.stopMoving();
    this.withdrawDiagnostics();
    this.mediaKeys.destroy();
    this.nativeControls.destroy();
    this.pace.cancel();
    this.wakeLock.give();
    this.connection.destroy();
    this.playback.destroy();
    this.toasts.destroy();
    this.talk.destroy();
    this.signIns.close();
    this.bans.close();
  }

  private take(message: ServerMessage): void {
    const before = this.view.get().replica;
    const expected = this.position();
    const { replica, gap } = advance(before, message);
    if (gap) this.resync(before);
    if (message.type === "store") this.isStoreAway.set(!message.is_reachable);
    if (replica === null) return;
    if (message.type === "ack") this.settled(message.id, message.version);
    if (message.type === "room_state" && before !== null && message.run !== before.run) {
      this.connection.newRun(message.version, message.server_time);
    }
    this.guesses = prune(this.guesses, replica.version);
    this.converse(message, replica);
    this.bans.heard(message);
    this.show(replica);
    if (replica === before) return;
    this.playback.follow(before, replica, message);
    if ("prev" in message && "by" in message && message.by !== replica.you.id && message.by !== "") {
      this.flash(feedbackOf(message as RoomEvent, this.nameOf(message.by), expected));
    }
  }

  private show(replica: Replica): void {
    this.view.patch({
      replica,
      queue: guessedQueue(replica.queue, this.guesses, replica.you.id),
      anchor: guessedAnchor(replica.anchor, this.guesses),
      waiting: this.guesses.some(({ anchor }) => anchor !== undefined) ? null : replica.waiting,
    });
  }

  private guess(effect: Effect, command: Command): string {
    const id = this.connection.command(command);
    this.guesses = [...this.guesses, { ...effect, id, version: null }];
    const { replica } = this.view.get();
    if (replica !== null) this.show(replica);
    return id;
  }

  private guessAnchor(command: Command, change: Partial<Anchor>): void {
    const at = this.clock.now();
    if (at === null || this.view.get().replica?.video == null) return;
    // What is asked for now takes the place of a seek that was not said yet.
    this.pace.cancel();
    this.guesses = forget(this.guesses, UNSAID);
    this.guess({ anchor: { ...this.view.get().anchor, ...change, at } }, command);
    this.playback.show();
  }

  /** Shows a seek that is said to the room in a moment. */
  private expect(position: number): void {
    const at = this.clock.now();
    const { anchor, replica } = this.view.get();
    if (at === null || replica?.video == null) return;
    const guess = { id: UNSAID, version: null, anchor: { ...anchor, position, at } };
    this.guesses = [...forget(this.guesses, UNSAID), guess];
    this.show(replica);
    this.playback.show();
  }

  private dropGuess(command: IdentifiedCommand): void {
    if (command.type === "chat") this.talk.failed(command.id);
    if (command.type === "unban") void this.bans.read();
    this.guesses = forget(this.guesses, command.id);
    const { replica } = this.view.get();
    if (replica !== null) this.show(replica);
  }

  private refused(command: IdentifiedCommand | null, code: string, message: string): void {
    if (command !== null) this.dropGuess(command);
    // Everybody says that it is over; the room heard somebody else first.
    if (command?.type === "ended") return;
    if (command?.type === "chat" && code === "too_many_requests") {
      this.toasts.show(t.chat.tooFast);
      return;
    }
    if (command?.type === "react" && code === "too_many_requests") return;
    this.toasts.show(refusalWords(code, message), { tone: "problem" });
  }

  private expired(command: IdentifiedCommand): void {
    this.dropGuess(command);
    if (command.type !== "ended") {
      this.toasts.show(t.notices.expired, { tone: "problem" });
    }
  }

  private settled(id: string, version: number): void {
    this.guesses = acknowledge(this.guesses, id, version);
    this.regrets.answered(id, version);
    this.talk.settled(id, version);
  }

  /** What is told to this person beside the room's state. */
  private converse(message: ServerMessage, replica: Replica): void {
    const you = replica.you.id;
    if (message.type === "chat") this.talk.heard(message.message, message.message.by === you);
    this.talk.caughtUp(replica.version);
    if (message.type === "reaction" && message.by !== you) this.talk.float(message.emoji, this.nameOf(message.by));
    if (message.type === "room_state") this.playback.reportAgain();
    const wasExcused = this.view.get().replica?.statuses[you]?.is_excused ?? false;
    if (message.type === "resumed" && message.excused.includes(you)) {
      this.toasts.show(t.notices.wentOn);
    } else if (message.type === "statuses" && message.members[you]?.is_excused && !wasExcused) {
      this.toasts.show(t.notices.excused);
    }
  }

  /** Says why not, where this person may not. */
  private objects(permission: Permission): boolean {
    const reason = objection(this.view.get().replica, permission);
    if (reason !== null) this.toasts.show(t.rights.sentence(reason));
    return reason !== null;
  }

  private resync(replica: Replica | null): void {
    const now = performance.now();
    if (now - this.resyncedAt < RESYNC_AGAIN_MS) return;
    this.resyncedAt = now;
    this.connection.send({ type: "resync", version: replica?.version ?? null });
  }

  /** The server is at another address now. */
  private moved(): void {
    this.player.moved();
    this.toasts.show(t.notices.moved);
  }

  /** A lost line lets the picture play on; a closed door does not. */
  private connectionChanged(): void {
    const { kind } = this.connection.state.get();
    // What one server can't reach another may.
    if (kind !== "open") this.isStoreAway.set(false);
    if (kind === "ended") this.player.load(null, 0);
  }
}
